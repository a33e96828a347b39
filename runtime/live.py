"""A response of server-sent events that a task makes, with signs of life while it has none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

DONE = "data: [DONE]\n\n"
Put = Callable[[str], None]
_News = asyncio.Queue[str | Exception | None]


@dataclass(frozen=True)
class Live:
    """How a stream is written: each function gives the text of zero or more events.

    ``told`` writes a failure after the first event. ``grace``: seconds for which the status of
    the response stays open, so that a failure at once has the right one; ``progress``: seconds
    without an event until ``sign`` is sent, because some clients give up on silence.
    """

    opening: Callable[[], str]
    sign: Callable[[], str]
    ending: Callable[[], str]
    told: Callable[[Exception], str]
    grace: float = 1.0
    progress: float = 5.0

    async def respond(self, make: Callable[[Put], Awaitable[None]]) -> Response:
        """The response around ``make``, which puts its events; raises what it raised at once.

        ``make`` is cancelled when the client leaves.
        """
        news = _News()
        task = asyncio.create_task(_run(make, news))
        first: list[str | Exception | None] = []
        try:
            with suppress(TimeoutError):
                first.append(await asyncio.wait_for(news.get(), self.grace))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if first and isinstance(first[0], Exception):
            raise first[0]
        return _Stream(self._events(news, first), task)

    async def _events(self, news: _News, first: list[str | Exception | None]) -> AsyncIterator[str]:
        yield self.opening()
        while True:
            try:
                item = first.pop() if first else await asyncio.wait_for(news.get(), self.progress)
            except TimeoutError:
                yield self.sign()
                continue
            if item is None:
                break
            yield self.told(item) if isinstance(item, Exception) else item
        yield self.ending()


class _Stream(StreamingResponse):
    """What makes the events ends with the response, however that ends."""

    def __init__(self, events: AsyncIterator[str], task: "asyncio.Task[None]") -> None:
        super().__init__(events, media_type="text/event-stream")
        self.headers["Cache-Control"] = "no-cache"
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._task.cancel()


async def _run(make: Callable[[Put], Awaitable[None]], news: _News) -> None:
    try:
        await make(news.put_nowait)
    except Exception as error:
        news.put_nowait(error)
    finally:
        news.put_nowait(None)
