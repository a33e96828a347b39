"""The seam between the decoding algorithms and the library that multiplies the matrices.

Algorithms (``generation``, ``branching``, ``scoring``) see only a ``Core``; ``runtime.engine``
has the one on llama.cpp. A core belongs to one thread.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from runtime.engine_api import Cancellation, Cancelled, EngineError, Prompt, PromptTooLong
from runtime.sampling import Logits

# Rows of logits that one decode may return: 608 KB each with a vocabulary of 152,000.
ROWS = 64

# Batches of at least so many tokens give the same bits however a prompt is cut into them;
# smaller ones go through another attention kernel (measured on the CPU: logits 0.4 apart), so
# a prompt is never run in smaller ones, or a cached prefix would change the answer.
STABLE = 64


class Entry(NamedTuple):
    """One token to decode: where it stands in which sequence, and whether logits are wanted."""

    token: int
    position: int
    sequence: int
    wanted: bool


class Core(Protocol):
    """A model with one key-value cache that up to ``slots`` + 1 sequences share."""

    context: int
    """Tokens that one request may hold."""
    cells: int
    """Tokens that the cache holds over all sequences (a shared one counts once)."""
    slots: int
    """Sequences beside sequence 0."""
    batch: int
    """Entries that one decode takes."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids; text becomes control tokens only if ``special``."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""

    def ends(self, token: int) -> bool:
        """Whether the token ends the answer."""

    def decode(self, entries: Sequence[Entry], cancellation: Cancellation) -> list[Logits]:
        """Run the entries; the logits of the wanted ones, valid until the next call.

        Raises Cancelled or EngineError; then none of the entries may be relied on.
        """

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Let ``target`` see the cells of ``source`` from position ``start`` to ``end``."""

    def forget(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence from position ``start`` on."""


def encode(core: Core, prompt: Prompt) -> list[int]:
    """Token ids of a prompt."""
    return [
        token
        for segment in prompt
        for token in core.tokenize(segment.text, special=segment.special)
    ]


class Prefix:
    """Sequence 0: keeps the last prompt so that the next one reuses what they have in common."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tokens: list[int] = []
        self._reusable = 0

    def reuse(self, tokens: Sequence[int], wanted_from: int) -> int:
        """Cut sequence 0 to what it shares with ``tokens``; returns how many stay.

        Token ``wanted_from`` and those after it are always run again, for their logits; so are
        the last ones, to have the same bits with and without a cached prefix.
        """
        if not 0 <= wanted_from < len(tokens):
            raise EngineError("an empty prompt cannot be continued")
        if len(tokens) >= self._core.context:
            raise PromptTooLong(len(tokens), self._core.context)
        most = max(0, min(wanted_from, len(tokens) - STABLE, self._reusable))
        reused = min(_common(self._tokens, tokens), most)
        self._core.forget(0, reused)
        self._tokens = list(tokens[:reused])
        self._reusable = reused
        return reused

    def run(
        self, tokens: Sequence[int], wanted_from: int, cancellation: Cancellation
    ) -> Iterator[tuple[int, Logits]]:
        """Decode the rest of ``tokens``, in chunks, as it is iterated.

        Yields, from ``wanted_from`` on, each index and the logits for what comes after it;
        these are valid until the next one is asked for.
        """
        while (start := len(self._tokens)) < len(tokens):
            first = max(start, wanted_from)
            end = self._chunk_end(start, first, len(tokens))
            entries = [Entry(tokens[i], i, 0, i >= wanted_from) for i in range(start, end)]
            rows = self._core.decode(entries, cancellation)
            self._tokens.extend(tokens[start:end])
            if end - start >= STABLE:
                self._reusable = end
            yield from zip(range(first, end), rows, strict=False)

    def settle(self) -> None:
        """After any request, failed ones too: keep what is known to be whole, drop the rest."""
        self._core.forget(0, len(self._tokens))
        for sequence in range(1, self._core.slots + 1):
            self._core.forget(sequence)

    def _chunk_end(self, start: int, first: int, total: int) -> int:
        """Where the chunk from ``start`` ends, so that no small one is left for the end."""
        end = min(total, start + self._core.batch, first + ROWS)
        if total - end == 0 or total - end >= STABLE:
            return end
        fits = total - start <= self._core.batch and total - first <= ROWS + STABLE
        return total if fits else total - STABLE


def stop_if_cancelled(cancellation: Cancellation) -> None:
    """Raise Cancelled once the request was cancelled."""
    if cancellation.cancelled:
        raise Cancelled("the request was cancelled")


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))
