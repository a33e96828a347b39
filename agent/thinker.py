"""The model as the nodes see it: started when first needed, counted, and shown as it speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol, TypeVar

from agent.events import Doing, Event, ModelFinished, ModelProgress, Note, Token
from agent.record import Record
from agent.repair.budget import Budget, BudgetSpent, Clock
from agent.usage import Totals
from agent.waiting import interruptible
from runtime.client import Answer, Branch, Client, Endpoint, Usage
from runtime.errors import AnswerLate, BranchingUnsupported, EndpointRefused, InfillUnsupported
from tools.redaction import redact

T = TypeVar("T")


class Host(Protocol):
    """Where a model runs: a server of our own, or somebody's endpoint."""

    def start(self, say: Callable[[str], None]) -> Endpoint:
        """Returns when the endpoint answers; raises RuntimeFailure with one sentence."""

    def stop(self) -> None: ...


class _Pulse:
    """Says once a second how far and how fast a generation is."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None], purpose: str) -> None:
        self._clock, self._emit, self._purpose = clock, emit, purpose
        self._started = self._last = clock()
        self._pieces = 0

    def beat(self) -> None:
        self._pieces += 1
        now = self._clock()
        if now - self._last >= 1.0:
            self._last = now
            rate = self._pieces / (now - self._started)
            self._emit(ModelProgress(purpose=self._purpose, tokens=self._pieces, rate=rate))


PROPOSING = frozenset({"propose", "converse"})
"""Requests for candidates, which are worth nothing once the time is over."""
NEAR, ASKING = 60.0, 0.85
"""With fewer seconds left, a request for candidates is hung up on when this share of them is over:
the rest is for testing some. One that has more time is repeated where the endpoint is busy."""
BUSY = 429


class Thinker:
    """Implements the search's Sampler, Brancher and Filler over one lazily started endpoint."""

    def __init__(
        self,
        host: Host,
        budget: Budget,
        record: Record,
        emit: Callable[[Event], None],
        totals: Totals | None = None,
        admit: Callable[[str], str] = redact,
        check: Callable[[], None] = lambda: None,
        kept: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    ) -> None:
        """`totals` are those of another thinker of the same run, to be counted together.

        `admit` makes every text that is not ours fit to enter a prompt. `check` is asked while a
        request runs, and ends it by raising. `kept` says what the record keeps of a prompt.
        """
        self.totals = Totals.of(record) if totals is None else totals
        self.model = ""
        self._context = 0
        self._host = host
        self._budget = budget
        self._record = record
        self._emit = emit
        self._admit = admit
        self._check = check
        self._kept = kept
        self._client: Client | None = None

    @property
    def started(self) -> bool:
        return self._client is not None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._host.stop()

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        purpose: str = "propose",
        n: int = 1,
        max_tokens: int = 512,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: Sequence[str] = (),
        tools: Sequence[Mapping[str, Any]] = (),
        show: bool = False,
    ) -> Answer:
        """One request of `n` samples; with `show`, the first sample's text becomes events.

        Raises BudgetSpent when the time is over before a proposal is: hanging up ends it.
        """
        client = self._connect()
        messages = self._admitted(messages)
        self._emit(Doing(text=f"The model reads the question ({purpose}, {n} samples)"))
        pulse = _Pulse(self._budget.clock, self._emit, purpose)

        def on_token(sample: int, text: str) -> None:
            pulse.beat()
            if purpose in PROPOSING and self._budget.spent:
                raise BudgetSpent
            if show and sample == 0:
                self._emit(Token(text=text))

        ask = partial(
            client.chat,
            messages,
            n=n,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            stop=stop,
            tools=tools,
            on_token=on_token,
        )
        answer = self._in_time(ask) if purpose in PROPOSING else interruptible(ask, self._check)
        asked = {
            **self._kept({"messages": messages}),
            "sampling": {
                "n": n, "max_tokens": max_tokens, "temperature": temperature, "seed": seed
            },
        }  # fmt: skip
        self._count(purpose, answer.usage, answer.seconds, asked | _answered(answer))
        return answer

    def complete(
        self,
        before: str,
        after: str,
        *,
        n: int = 1,
        max_tokens: int = 48,
        temperature: float = 0.0,
        seed: int | None = None,
        stop: Sequence[str] = (),
    ) -> Answer:
        """Samples of what stands between two texts.

        Raises InfillUnsupported where the endpoint's model cannot fill gaps, and BudgetSpent when
        the time is over before it begins to answer.
        """
        client = self._connect()
        before, after = self._admit(before), self._admit(after)
        self._emit(Doing(text=f"The model fills a gap ({n} samples)"))
        pulse = _Pulse(self._budget.clock, self._emit, "infill")
        ask = partial(
            client.complete,
            before,
            after,
            n=n,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            stop=stop,
            on_token=lambda _, __: pulse.beat(),
        )
        try:
            answer = self._in_time(ask)
        except InfillUnsupported:
            self._emit(Note(text="This endpoint cannot fill gaps; the search goes on without."))
            raise
        asked = self._kept({"before": before, "after": after})
        self._count("infill", answer.usage, answer.seconds, {**asked, **_answered(answer)})
        return answer

    def branch(
        self, messages: Sequence[Mapping[str, Any]], forced: str, **options: Any
    ) -> tuple[Branch, ...]:
        """Branches of `forced`.

        Raises BranchingUnsupported on a foreign endpoint, BudgetSpent when the time is over first.
        """
        client = self._connect()
        messages = self._admitted(messages)
        self._emit(Doing(text="The model reads the code: where would it have written other code?"))
        started, usage = self._budget.clock(), [Usage(0, 0)]
        try:
            ask = partial(client.branch, messages, forced, on_usage=usage.append, **options)
            branches = self._in_time(ask)
        except BranchingUnsupported:
            self._emit(Note(text="This endpoint cannot branch; the search samples instead."))
            raise
        self._count(
            "branch",
            usage[-1],
            self._budget.clock() - started,
            {
                **self._kept({"messages": messages, "forced": forced}),
                "branches": [[b.offset, b.text] for b in branches],
            },
        )
        return branches

    def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        forced: str,
        continuations: Sequence[str],
        offsets: Sequence[int],
    ) -> tuple[float, ...]:
        """Nats of each continuation; raises BranchingUnsupported on a foreign endpoint."""
        client = self._connect()
        messages = self._admitted(messages)
        self._emit(Doing(text=f"The model compares {len(continuations)} pieces of code"))
        started, usage = self._budget.clock(), [Usage(0, 0)]
        ask = partial(
            client.score,
            messages,
            continuations,
            forced=forced,
            offsets=offsets,
            on_usage=usage.append,
        )
        nats = interruptible(ask, self._check)
        asked = {"messages": messages, "forced": forced, "continuations": list(continuations)}
        exchange = {**self._kept(asked), "offsets": list(offsets), "nats": list(nats)}
        self._count("compare", usage[-1], self._budget.clock() - started, exchange)
        return nats

    def _in_time(self, ask: Callable[..., T]) -> T:
        """What `ask` gives; raises BudgetSpent where its time is over before it says a word.

        Where the endpoint is too busy for somebody who cannot wait, the time is over as well.
        """
        left = self._budget.seconds_left
        if left <= 0:
            raise BudgetSpent
        seconds = ASKING * left if left < NEAR else None
        try:
            return interruptible(partial(ask, seconds=seconds), self._check)
        except AnswerLate:
            if seconds is None:
                raise
            raise BudgetSpent from None
        except EndpointRefused as error:
            if seconds is None or error.status != BUSY:
                raise
            raise BudgetSpent from None

    def _admitted(self, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Without secrets; system messages are our own words."""
        return [
            message
            if message["role"] == "system" or not isinstance(message.get("content"), str)
            else {**message, "content": self._admit(message["content"])}
            for message in messages
        ]

    def _connect(self) -> Client:
        if self._client is None:
            endpoint = self._host.start(lambda text: self._emit(Doing(text=text)))
            self.model, self._context = endpoint.model, endpoint.context
            self._client = Client(endpoint)
        return self._client

    def _count(self, purpose: str, usage: Usage, seconds: float, exchange: dict[str, Any]) -> None:
        self.totals.add(usage, seconds)
        self._budget.tokens_used += usage.completion_tokens
        self._record.write(
            "model", purpose=purpose, usage=asdict(usage), seconds=round(seconds, 3), **exchange
        )
        self._emit(
            ModelFinished(
                purpose=purpose,
                seconds=seconds,
                model=self.model,
                context=self._context,
                **asdict(usage),
            )
        )


def _answered(answer: Answer) -> dict[str, Any]:
    calls = [[call.name, call.arguments] for call in answer.tool_calls]
    return {"texts": list(answer.texts), "tool_calls": calls}
