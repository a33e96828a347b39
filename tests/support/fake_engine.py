"""An engine without a model: says what it was told to say."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from runtime.engine_api import (
    BadGrammar,
    Branched,
    BranchPath,
    BranchQuery,
    Cancellation,
    Cancelled,
    EngineState,
    Generated,
    Generation,
    OnText,
    Prompt,
    PromptTooLong,
    Rated,
    Sample,
    Score,
    Scored,
    TokenScore,
)
from runtime.measures import Measures


def scored(text: str, likeliest: int | None) -> tuple[TokenScore, ...]:
    """Every byte is a token of -0.5, with others that are less likely."""
    if likeliest is None:
        return ()
    others = tuple((rank, b"%d" % rank, -1.0 - rank) for rank in range(likeliest))
    return tuple(TokenScore(byte, bytes([byte]), -0.5, others) for byte in text.encode())


@dataclass
class FakeEngine:
    """Streams ``replies`` letter by letter; ``fail`` is raised instead, ``endless`` never ends.

    ``rounds`` are the replies to one request after the other; ``fail_later``: after some text;
    without ``grammars`` every constraint is refused; ``nats`` says how likely a continuation is.
    """

    replies: tuple[str, ...] = ("Hello, world!",)
    family: str = "qwen2"
    context: int = 1000
    fail: Exception | None = None
    fail_later: Exception | None = None
    endless: bool = False
    grammars: bool = True
    nats: Callable[[str], float] = lambda text: -float(len(text))
    rounds: list[tuple[str, ...]] = field(default_factory=list)
    requests: list[Generation] = field(default_factory=list)
    scored: list[Prompt] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    measures: Measures = field(default_factory=Measures)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def tokenize(self, text: str) -> list[int]:
        return [len(word) for word in text.encode().split()]

    def count(self, prompt: Prompt) -> int:
        return sum(len(self.tokenize(segment.text)) for segment in prompt)

    def generate(
        self, request: Generation, on_text: OnText | None, cancellation: Cancellation
    ) -> Generated:
        if request.constraint is not None and not self.grammars:
            raise BadGrammar("the JSON Schema is not usable: none is")
        self.requests.append(request)
        self._begin(cancellation)
        samples = []
        replies = self.rounds.pop(0) if self.rounds else self.replies
        for index in range(request.n):
            reply = replies[index % len(replies)]
            for letter in reply:
                if on_text is not None:
                    on_text(index, letter)
                if self.fail_later is not None:
                    raise self.fail_later
            samples.append(Sample(reply, "stop", len(reply), scored(reply, request.likeliest)))
        return Generated(tuple(samples), self.count(request.prompt), 3)

    def branch(self, query: BranchQuery, cancellation: Cancellation) -> Branched:
        self._begin(cancellation)
        path = BranchPath(query.first, query.first + 1, f"{query.count}", -1.5, 0.5, True)
        return Branched((path,), 10, 4, 2)

    def score(
        self,
        prompt: Prompt,
        continuations: Sequence[str],
        cancellation: Cancellation,
        owner: str = "",
        behind: Sequence[int] = (),
    ) -> Scored:
        if self.count(prompt) > self.context:
            raise PromptTooLong(self.count(prompt), self.context)
        self.scored.append(prompt)
        self._begin(cancellation)
        return Scored(tuple(Score(self.nats(text), 1) for text in continuations), 10, 2)

    def rate(
        self,
        prompts: Sequence[Prompt],
        likeliest: int,
        cancellation: Cancellation,
        owner: str = "",
    ) -> Rated:
        texts = ["".join(segment.text for segment in prompt) for prompt in prompts]
        rated = [scored(text, likeliest) for text in texts]
        first = [(replace(one[0], log_probability=None), *one[1:]) for one in rated]
        return Rated(tuple(first), sum(len(text) for text in texts), 0)

    def state(self) -> EngineState:
        return EngineState(
            running=1, waiting=2, cells=100, reserved_cells=30, prompt_tokens=40,
            cached_tokens=10, prefix_bytes=5, prefix_capacity=50, measures=self.measures,
        )  # fmt: skip

    def close(self) -> None:
        self.cancelled.set()

    def _begin(self, cancellation: Cancellation) -> None:
        self.started.set()
        if self.fail is not None:
            raise self.fail
        while self.endless:
            if cancellation.cancelled:
                self.cancelled.set()
                raise Cancelled("the request was cancelled")
            cancellation.wait(0.01)
