"""Sampling ``n`` continuations of one prompt: one prefill, then all samples in one batch."""

import time
from collections import deque

from runtime.constraint import Guide
from runtime.core import Entry, Steps, Vocabulary, encode
from runtime.drafts import Drafts, certain
from runtime.engine_api import (
    EngineError,
    Generated,
    Generation,
    OnText,
    PromptTooLong,
)
from runtime.lane import Need, Seat
from runtime.measures import Measures
from runtime.sample import RunningSample
from runtime.sampling import Logits


class GenerationJob:
    """Continues a prompt; see ``Engine.generate``."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        context: int,
        request: Generation,
        on_text: OnText | None,
        measures: Measures,
        guide: Guide | None = None,
        *,
        speculate: bool = True,
    ) -> None:
        """Raises EngineError for an empty prompt, PromptTooLong where no answer would fit."""
        self._vocabulary = vocabulary
        self._request = request
        self._on_text = on_text
        self._measures = measures
        self._prompt = encode(vocabulary, request.prompt)
        if not self._prompt:
            raise EngineError("an empty prompt cannot be continued")
        room = context - len(self._prompt)
        if room < 1:
            raise PromptTooLong(len(self._prompt), context)
        self._limit = room if request.max_tokens is None else min(request.max_tokens, room)
        self._guide = guide
        self._speculate = speculate
        self._asked = self._began = time.monotonic()

    @property
    def need(self) -> Need:
        """A lone sample goes on in the prompt's own sequence."""
        samples = self._request.n
        return Need(self._prompt, self._limit, samples if samples > 1 else 0)

    def steps(self, seat: Seat) -> Steps[Generated]:
        """Read the prompt once, then decode all samples to their end."""
        last = len(self._prompt) - 1
        cached = seat.reuse(self._prompt, last, stable=False)
        first: list[Logits] = []
        yield from seat.read(self._prompt, last, lambda _, row: first.append(row.copy()))
        self._began = time.monotonic()
        self._measures.first_token_seconds.add(self._began - self._asked)
        runs = [self._run(index) for index in range(self._request.n)]
        accepted = 0
        if len(runs) == 1:
            accepted = yield from self._one(seat, runs[0], first[0])
        else:
            yield from self._several(seat, runs, first[0])
        return Generated(
            tuple(run.sample() for run in runs),
            len(self._prompt),
            cached,
            "deterministic" if self._request.deterministic else "best effort",
            accepted,
        )

    def _run(self, index: int) -> RunningSample:
        guide = self._guide.copy() if self._guide is not None else None
        return RunningSample(self._vocabulary, self._request, index, self._limit, guide)

    def _one(self, seat: Seat, run: RunningSample, logits: Logits) -> Steps[int]:
        """Decode a lone sample; returns how many of its tokens were guessed right."""
        drafts = self._drafts(run)
        self._advance(run, logits)
        doubtful = False
        while not run.finish:
            draft: list[int] = []
            if drafts is not None:
                drafts.follow(run.tokens)
                draft = [] if doubtful else drafts.propose(run.room - 1)
            doubtful = yield from self._try(seat, run, draft, drafts)
        if drafts is not None:
            self._measures.drafted_tokens += drafts.proposed
            self._measures.accepted_drafts += drafts.accepted
        return drafts.accepted if drafts is not None else 0

    def _drafts(self, run: RunningSample) -> Drafts | None:
        # In batches of their own, the same request must give the same bits, so no guesses there.
        usable = run.plain and self._speculate and not self._request.deterministic
        return Drafts(self._prompt) if usable else None

    def _try(
        self, seat: Seat, run: RunningSample, draft: list[int], drafts: Drafts | None
    ) -> Steps[bool]:
        """Run the last token with a guess behind it; whether a row was too close to call."""
        tokens = [run.tokens[-1], *draft]
        start = len(seat.tokens)
        rows = yield [Entry(each, start + at, seat.base, True) for at, each in enumerate(tokens)]
        accepted = 0
        doubtful = False
        for at, logits in enumerate(rows):
            if draft and not certain(logits):
                doubtful = True
                break
            seat.tokens.append(tokens[at])
            self._advance(run, logits)
            if run.finish or at == len(draft) or run.tokens[-1] != draft[at]:
                break
            accepted += 1
        if draft and drafts is not None:
            seat.core.forget(seat.base, len(seat.tokens))
            drafts.judge(len(draft), accepted)
        return doubtful

    def _several(self, seat: Seat, runs: list[RunningSample], first: Logits) -> Steps[None]:
        waiting = deque(runs)
        free = list(reversed(seat.slots))
        active: dict[int, RunningSample] = {}
        while waiting or active:
            while waiting and free:
                run = waiting.popleft()
                self._advance(run, first)
                if not run.finish:
                    slot = free.pop()
                    seat.share(slot, len(self._prompt))
                    active[slot] = run
            if not active:
                continue
            slots = list(active)
            rows = yield [self._entry(slot, active[slot]) for slot in slots]
            for slot, logits in zip(slots, rows, strict=True):
                self._advance(active[slot], logits)
                if active[slot].finish:
                    del active[slot]
                    free.append(slot)

    def _entry(self, slot: int, run: RunningSample) -> Entry:
        return Entry(run.tokens[-1], len(self._prompt) + len(run.tokens) - 1, slot, True)

    def _advance(self, run: RunningSample, logits: Logits) -> None:
        text = run.take(logits)
        if text and self._on_text is not None:
            self._on_text(run.index, text)
        if run.finish:
            self._measures.generated_tokens += len(run.tokens)
            if len(run.tokens) > 1:
                spent = time.monotonic() - self._began
                self._measures.token_seconds.add(spent / (len(run.tokens) - 1))
