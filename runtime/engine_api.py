"""The seam between the HTTP server and whatever runs the model.

The server knows only this module; ``runtime.engine`` fulfils it with llama.cpp and the tests
with a fake. Every call blocks, may be made from any thread, and ends early with ``Cancelled``
once its ``Cancellation`` is set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from runtime.cancellation import Cancellation as Cancellation
from runtime.engine_errors import BadGrammar as BadGrammar
from runtime.engine_errors import Cancelled as Cancelled
from runtime.engine_errors import EngineBusy as EngineBusy
from runtime.engine_errors import EngineError as EngineError
from runtime.engine_errors import PromptTooLong as PromptTooLong
from runtime.measures import Measures

Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class Segment:
    """A run of prompt text; only in a ``special`` one may text become control tokens."""

    text: str
    special: bool = False


Prompt = Sequence[Segment]


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; temperature 0 is greedy; ``seed`` None draws a fresh one.

    Sample ``i`` of a request draws with ``seed + i``. Penalties look at the sample's own tokens
    and are off by default, because code repeats itself; ``logit_bias`` is added to the logits of
    tokens by their id.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Constraint:
    """What an answer must look like: a JSON Schema (as JSON text), or a grammar in GBNF."""

    kind: Literal["json_schema", "gbnf"]
    text: str


@dataclass(frozen=True)
class Generation:
    """``n`` continuations of one prompt, each at most ``max_tokens`` tokens long.

    ``max_tokens`` None means as many as the context still holds. Stop strings are not part
    of the text. ``owner`` (the bearer token, or what stands for it) is whose prompts may be
    reused. ``likeliest``: how many alternatives to tell of each token; None: tell no scores.
    ``deterministic``: the same tokens whatever else is running, at the price of running alone.
    """

    prompt: Prompt
    n: int = 1
    max_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    owner: str = ""
    likeliest: int | None = None
    deterministic: bool = False
    constraint: Constraint | None = None


@dataclass(frozen=True)
class TokenScore:
    """One token, its log-probability in nats (None for the first token of a text, which comes
    after nothing), and the likeliest tokens in its place."""

    token: int
    piece: bytes
    log_probability: float | None
    likeliest: tuple[tuple[int, bytes, float], ...] = ()


@dataclass(frozen=True)
class Sample:
    """One finished continuation; ``scores`` if they were asked for, one for each token of the
    text (a token whose text was cut off by a stop string is left out)."""

    text: str
    finish: Finish
    tokens: int
    scores: tuple[TokenScore, ...] = ()


Guarantee = Literal["deterministic", "best effort"]
"""``deterministic``: same machine, settings and seed give the same tokens, whatever else runs;
``best effort``: they do as long as nothing else runs."""


@dataclass(frozen=True)
class Generated:
    """The answer to a ``Generation``; ``cached_tokens`` of the prompt were not run again;
    ``accepted_drafts`` of the tokens were guessed from the prompt and found right."""

    samples: tuple[Sample, ...]
    prompt_tokens: int
    cached_tokens: int
    guarantee: Guarantee = "best effort"
    accepted_drafts: int = 0


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
    owner: str = ""


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


@dataclass(frozen=True)
class Rated:
    """Every token of some prompts as the model saw it coming: the first token of a prompt comes
    after nothing, so it has no score."""

    prompts: tuple[tuple["TokenScore", ...], ...]
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True)
class EngineState:
    """A look at the engine: requests, tokens in the cache, prompts reused (``disk_tokens`` of
    them from files of an earlier run), and its counters."""

    running: int
    waiting: int
    cells: int
    reserved_cells: int
    prompt_tokens: int
    cached_tokens: int
    prefix_bytes: int
    prefix_capacity: int
    measures: Measures
    disk_tokens: int = 0
    disk_bytes: int = 0
    disk_capacity: int = 0


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
        self,
        prompt: Prompt,
        continuations: Sequence[str],
        cancellation: Cancellation,
        owner: str = "",
        behind: Sequence[int] = (),
    ) -> Scored:
        """Log-likelihood of each continuation after the prompt, or after as many of the prompt's
        segments as ``behind`` says for it; raises as ``generate``."""

    def rate(
        self,
        prompts: Sequence[Prompt],
        likeliest: int,
        cancellation: Cancellation,
        owner: str = "",
    ) -> Rated:
        """Log-likelihood of every token of the prompts, with so many alternatives each; what
        they share at the beginning is read once. Raises as ``generate``."""

    def state(self) -> EngineState:
        """What the engine is doing and has done."""

    def close(self) -> None:
        """Stop the worker and free the model."""
