"""One request: asked upstream, once or again, until every sample is there; healed on the way."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from runtime.proxy.asked import Asked
from runtime.proxy.counting import Counter, Measure
from runtime.proxy.failures import CannotStream, Failure, nonsense, too_slow
from runtime.proxy.heal import Chunk, Healer
from runtime.proxy.quirks import Memory, Quirk
from runtime.proxy.upstream import Upstream

_REFUSALS = (400, 422)


class Exchange:
    """A request and its answer; ``chunks`` may be iterated once."""

    def __init__(self, asked: Asked, upstream: Upstream, memory: Memory, counter: Counter) -> None:
        self.healer = Healer(asked, memory)
        self._asked = asked
        self._upstream = upstream
        self._memory = memory
        self._counter = counter

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """The healed chunks after the opening ones; raises Failure."""
        measure = await self._counter.measure(self._asked)
        if measure is not None:
            measure.refuse()
        held: list[Chunk] = []
        async with aclosing(self._healed()) as healed:
            async for chunk in healed:
                if measure is not None and measure.doubtful:
                    held.append(chunk)
                else:
                    yield chunk
        self._judge(measure)
        for chunk in [*held, *self.healer.close()]:
            yield chunk

    def _judge(self, measure: Measure | None) -> None:
        failure = measure.judge(self.healer.usage) if measure is not None else None
        if failure is not None:
            self._memory.note(Quirk.TRUNCATION)
            raise failure

    async def _healed(self) -> AsyncGenerator[Chunk, None]:
        """What the upstream gives, until there are enough samples."""
        wanted = self._asked.samples
        while True:
            before = self.healer.begun
            async with aclosing(self._round(wanted - before, before)) as answers:
                async for answer in answers:
                    for chunk in self.healer.take(answer):
                        yield chunk
            if self.healer.begun == before:
                raise nonsense(self._memory.upstream)
            if self.healer.begun >= wanted or not self._memory.heals(Quirk.SAMPLES):
                return
            self._memory.note(Quirk.SAMPLES)
            self.healer.again()

    async def _round(self, samples: int, before: int) -> AsyncGenerator[dict[str, Any], None]:
        body = dict(self._asked.body)
        if self._asked.samples > 1:
            body["n"] = samples
        if before and isinstance(body.get("seed"), int):
            body["seed"] += before
        stream = self._asked.stream and not self._memory.expects(Quirk.STREAM)
        if stream:
            try:
                async with aclosing(self._streamed(body)) as answers:
                    async for answer in answers:
                        yield answer
                return
            except CannotStream:
                self._memory.note(Quirk.STREAM)
                if not self._memory.heals(Quirk.STREAM):
                    seconds = self._upstream.limits.first
                    raise too_slow(self._memory.upstream, seconds) from None
        yield await self._whole(body)

    async def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        body = {key: value for key, value in body.items() if key != "stream_options"}
        return await self._upstream.whole(self._asked.path, body | {"stream": False})

    async def _streamed(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Stream; raises CannotStream while nothing has come."""
        came = False
        try:
            async with aclosing(self._events(body)) as events:
                async for event in events:
                    came = True
                    yield event
        except Failure as failure:
            refused = failure.status in _REFUSALS and "stream" in str(failure).lower()
            if came or not refused or not self._memory.heals(Quirk.STREAM):
                raise
            raise CannotStream from failure

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The events, at most a moment longer than until every sample has ended."""
        options = body.get("stream_options")
        # Asked for always: a prompt that was cut shows in the counts.
        counted = (options if isinstance(options, dict) else {}) | {"include_usage": True}
        body = body | {"stream": True, "stream_options": counted}
        source = self._upstream.events(self._asked.path, body)
        async with aclosing(source) as events:
            while True:
                limit = self._upstream.limits.after_end if self.healer.finished else None
                try:
                    async with asyncio.timeout(limit):
                        event = await anext(events, None)
                except TimeoutError:
                    self._memory.note(Quirk.DONE)
                    return
                if event is None:
                    return
                yield event
