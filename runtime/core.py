"""The seam between the decoding algorithms and the library that multiplies the matrices.

An algorithm (``generation``, ``branching``, ``scoring``) is a ``Job``: a generator that yields
the entries it wants run next and is sent the logits. The scheduler runs the entries of many jobs
in one batch. ``runtime.llama`` has the ``Core`` on llama.cpp. A core belongs to one thread.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from runtime.engine_api import EngineError, Prompt
from runtime.sampling import Logits

# Rows of logits that one decode may return: 608 KB each with a vocabulary of 152,000. Wide
# batches are what makes a forced text and many scores fast.
ROWS = 256

# Batches of at least so many tokens give the same bits however a prompt is cut into them;
# smaller ones go through another attention kernel (measured on the CPU: logits 0.4 apart), so
# a prompt is never run in smaller ones, or a cached prefix would change the answer.
STABLE = 64

State = npt.NDArray[np.uint8]
"""Saved cells, in llama.cpp's own format."""


class Aborted(Exception):
    """``Core.abort`` ended the decode; none of its entries may be relied on."""


class CacheFull(EngineError):
    """There was no free cell for an entry."""


class Entry(NamedTuple):
    """One token to decode: where it stands in which sequence, and whether logits are wanted."""

    token: int
    position: int
    sequence: int
    wanted: bool


class Vocabulary(Protocol):
    """Text to tokens and back; read-only, so any thread may use it."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids; text becomes control tokens only if ``special``."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""

    def ends(self, token: int) -> bool:
        """Whether the token ends the answer."""


class Core(Protocol):
    """A model with one key-value cache."""

    context: int
    """Tokens that one request may hold."""
    cells: int
    """Tokens that the cache holds over all sequences (a shared one counts once)."""
    sequences: int
    """Sequences that can be told apart, from 0."""
    batch: int
    """Entries that one decode takes."""

    def decode(self, entries: Sequence[Entry]) -> list[Logits]:
        """Run the entries; the logits of the wanted ones, valid until the next call.

        Raises Aborted, CacheFull or EngineError; then none of the entries may be relied on.
        """

    def abort(self) -> None:
        """End the running decode soon, or the next one at once; from any thread."""

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Let ``target`` see the cells of ``source`` from position ``start`` to ``end``."""

    def forget(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence from position ``start`` on."""

    def save(self, sequence: int) -> State:
        """All that the cache holds of a sequence, as bytes."""

    def load(self, sequence: int, state: State) -> bool:
        """Put saved cells back as ``sequence``; whether there was room."""

    def close(self) -> None:
        """Free the context; the core must not be used again."""


_Result = TypeVar("_Result")
Steps = Generator[Sequence[Entry], list[Logits], _Result]
"""Yields what is to be run in one batch, is sent the wanted logits, returns the result.

The logits are valid until the next yield."""


def encode(vocabulary: Vocabulary, prompt: Prompt) -> list[int]:
    """Token ids of a prompt."""
    return [
        token
        for segment in prompt
        for token in vocabulary.tokenize(segment.text, special=segment.special)
    ]


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two texts share from their beginning."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))
