"""Sampling ``n`` continuations of one prompt: one prefill, then all samples in one batch."""

from collections import deque

from runtime.core import Core, Entry, Prefix, encode, stop_if_cancelled
from runtime.engine_api import Cancellation, Finish, Generated, Generation, OnText, Sample
from runtime.sampling import Logits, Sampler
from runtime.text_stream import TextStream


class _Run:
    """One sample while it is decoded."""

    def __init__(self, core: Core, request: Generation, index: int, limit: int) -> None:
        self.index = index
        self.tokens: list[int] = []
        self.finish: Finish | None = None
        self._core = core
        self._limit = limit
        self._sampler = Sampler(request.sampling, index)
        self._stream = TextStream(request.stop)
        self._ended_by_token = False

    def take(self, logits: Logits) -> str:
        """Choose the next token; returns the new text and may set ``finish``."""
        token = self._sampler.choose(logits)
        if self._core.ends(token):
            self._ended_by_token = True
            self.finish = "stop"
            return self._stream.finish()
        self.tokens.append(token)
        text = self._stream.push(self._core.piece(token))
        if self._stream.stopped:
            self.finish = "stop"
        elif len(self.tokens) >= self._limit:
            text += self._stream.finish()
            self.finish = "stop" if self._stream.stopped else "length"
        return text

    def sample(self) -> Sample:
        """The finished sample."""
        # The token that ended the answer was generated too, so it counts.
        count = len(self.tokens) + self._ended_by_token
        return Sample(self._stream.text, self.finish or "length", count)


class _Batch:
    """The samples of one request, as many at once as the cache can hold."""

    def __init__(self, core: Core, prompt_tokens: int, limit: int) -> None:
        self._core = core
        self._prompt_tokens = prompt_tokens
        # Every running sample may grow to its limit, so no more may start than then still fit.
        width = max(1, min(core.slots, (core.cells - prompt_tokens) // limit))
        self._free = list(range(width, 0, -1))
        self._active: dict[int, _Run] = {}

    def decode(
        self,
        runs: list[_Run],
        first_logits: Logits,
        on_text: OnText | None,
        cancellation: Cancellation,
    ) -> None:
        """Run all samples to their end."""
        waiting = deque(runs)
        while waiting or self._active:
            while waiting and self._free:
                slot = self._free.pop()
                self._core.forget(slot)
                self._core.share(0, slot, 0, self._prompt_tokens)
                self._active[slot] = waiting.popleft()
                self._advance(slot, first_logits, on_text)
            if not self._active:
                continue
            stop_if_cancelled(cancellation)
            slots = list(self._active)
            rows = self._core.decode([self._entry(slot) for slot in slots], cancellation)
            for slot, logits in zip(slots, rows, strict=True):
                self._advance(slot, logits, on_text)

    def _entry(self, slot: int) -> Entry:
        tokens = self._active[slot].tokens
        return Entry(tokens[-1], self._prompt_tokens + len(tokens) - 1, slot, True)

    def _advance(self, slot: int, logits: Logits, on_text: OnText | None) -> None:
        run = self._active[slot]
        text = run.take(logits)
        if text and on_text is not None:
            on_text(run.index, text)
        if run.finish:
            del self._active[slot]
            self._free.append(slot)


def generate(
    core: Core,
    prefix: Prefix,
    request: Generation,
    on_text: OnText | None,
    cancellation: Cancellation,
) -> Generated:
    """Continue the prompt; see ``Engine.generate``."""
    prompt = encode(core, request.prompt)
    last = len(prompt) - 1
    cached = prefix.reuse(prompt, last)
    room = core.context - len(prompt)
    limit = room if request.max_tokens is None else min(request.max_tokens, room)
    [first_logits] = [logits.copy() for _, logits in prefix.run(prompt, last, cancellation)]
    runs = [_Run(core, request, index, limit) for index in range(request.n)]
    _Batch(core, len(prompt), limit).decode(runs, first_logits, on_text, cancellation)
    return Generated(tuple(run.sample() for run in runs), len(prompt), cached)
