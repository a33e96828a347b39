"""The seam between the HTTP server and whatever runs the model.

The server knows only this module; ``runtime.engine`` fulfils it with llama.cpp and the tests
with a fake. Every call blocks, may be made from any thread, and ends early with ``Cancelled``
once its ``Cancellation`` is set.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Finish = Literal["stop", "length"]


class EngineError(Exception):
    """The engine failed; the text is one sentence."""


class PromptTooLong(EngineError):
    """The prompt does not fit into the context; nothing was run."""

    def __init__(self, prompt_tokens: int, context: int) -> None:
        super().__init__(
            f"the prompt has {prompt_tokens} tokens but the context holds {context} tokens "
            "and must leave room for an answer"
        )
        self.prompt_tokens = prompt_tokens
        self.context = context


class EngineBusy(EngineError):
    """The queue is full; try again later."""


class Cancelled(EngineError):
    """The request was cancelled before it ended."""


class Cancellation:
    """Set once, from any thread, to stop a request between tokens or in prefill."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the request to stop."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the request was asked to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the request is asked to stop, at most so long; whether it was."""
        return self._event.wait(seconds)


@dataclass(frozen=True)
class Segment:
    """A run of prompt text; only in a ``special`` one may text become control tokens."""

    text: str
    special: bool = False


Prompt = Sequence[Segment]


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; temperature 0 is greedy; ``seed`` None draws a fresh one."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None


@dataclass(frozen=True)
class Generation:
    """``n`` continuations of one prompt, each at most ``max_tokens`` tokens long.

    ``max_tokens`` None means as many as the context still holds. Stop strings are not part
    of the text.
    """

    prompt: Prompt
    n: int = 1
    max_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One finished continuation."""

    text: str
    finish: Finish
    tokens: int


@dataclass(frozen=True)
class Generated:
    """The answer to a ``Generation``; ``cached_tokens`` of the prompt were not run again."""

    samples: tuple[Sample, ...]
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True)
class BranchQuery:
    """Where would the model rather have written something else than ``forced``?

    ``first`` and ``last`` (exclusive; None: the end) bound the character offsets in ``forced``.
    ``count`` are the likeliest alternatives anywhere, at most ``per_position`` at one place, and
    ``line_starts`` are as many again of those that begin a line, where whole lines go in.

    A branch ends with its line. It goes on, up to ``lines`` lines, when its line ends with one of
    the keys of ``blocks``: as long as lines are indented deeper, and over one that begins with a
    value of that key and so closes the block. One that begins a line also goes on until it is
    back at one of the next ``rejoin`` forced lines, its own included.
    """

    prompt: Prompt
    forced: str
    count: int = 100
    per_position: int = 6
    max_tokens: int = 48
    stop: str = "\n"
    first: int = 0
    last: int | None = None
    line_starts: int = 0
    lines: int = 1
    rejoin: int = 0
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class BranchPath:
    """One such place: the model's own text instead of ``forced`` from ``offset`` to ``end``.

    ``log_probability`` is the sum over the new tokens in nats; ``surprise`` is by how many nats
    the model prefers them to what ``forced`` has there; ``finished`` tells whether the stop (or
    the end of the answer) was reached within the token limit.
    """

    offset: int
    end: int
    text: str
    log_probability: float
    surprise: float
    finished: bool


@dataclass(frozen=True)
class Branched:
    """Branches, likeliest first."""

    branches: tuple[BranchPath, ...]
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


@dataclass(frozen=True)
class Score:
    """How likely one continuation is: sum over its ``tokens`` of log-probabilities in nats."""

    log_probability: float
    tokens: int


@dataclass(frozen=True)
class Scored:
    """Scores in the order of the continuations."""

    scores: tuple[Score, ...]
    prompt_tokens: int
    cached_tokens: int


OnText = Callable[[int, str], None]
"""Called with (sample index, new text) from the engine's thread."""


class Engine(Protocol):
    """A loaded model."""

    @property
    def family(self) -> str:
        """The architecture name that selects the chat template (``qwen2``, ``llama`` …)."""

    @property
    def context(self) -> int:
        """Tokens that one request (prompt and answer) may hold."""

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text; never control tokens."""

    def count(self, prompt: Prompt) -> int:
        """How many tokens a prompt has."""

    def generate(
        self, request: Generation, on_text: OnText | None, cancellation: Cancellation
    ) -> Generated:
        """Continue a prompt; raises PromptTooLong, EngineBusy, Cancelled, EngineError."""

    def branch(self, query: BranchQuery, cancellation: Cancellation) -> Branched:
        """Find likely alternatives to a forced answer; raises as ``generate``."""

    def score(
        self, prompt: Prompt, continuations: Sequence[str], cancellation: Cancellation
    ) -> Scored:
        """Log-likelihood of each continuation after the prompt; raises as ``generate``."""

    def close(self) -> None:
        """Stop the worker and free the model."""
