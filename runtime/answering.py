"""Runs a request on a thread, cancelled when its client leaves, and answers whole or streamed."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response

from runtime import refusals, replies
from runtime.engine_api import Cancellation, Cancelled, EngineError, Generated, OnText
from runtime.guard import error_body
from runtime.live import DONE, Live, Put
from runtime.metrics import Metrics

_Result = TypeVar("_Result")
_THREADS = 256
_LOOK_SECONDS = 0.2
Work = Callable[[OnText, Cancellation], Generated]
"""Generates, and may tell text as it comes."""
_log = logging.getLogger(__name__)


class Answering:
    """One engine's threads; every request ends when its client leaves."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")

    async def call(self, request: Request, work: Callable[[Cancellation], _Result]) -> _Result:
        """The result of work on a thread; raises Cancelled once the client has left."""
        cancellation = Cancellation()
        task = asyncio.wrap_future(self._threads.submit(work, cancellation))
        try:
            while not (await asyncio.wait([task], timeout=_LOOK_SECONDS))[0]:
                if await request.is_disconnected():
                    raise Cancelled("the client left")
            return task.result()
        finally:
            if not task.done():
                self._metrics.cancelled()
            cancellation.cancel()
            task.add_done_callback(_retrieved)

    async def whole(self, request: Request, work: Work) -> Generated:
        """What was generated."""
        watch = self._metrics.generation()
        made = await self.call(request, lambda gone: work(watch.listen(None), gone))
        watch.done(made)
        return made

    async def stream(
        self,
        request: Request,
        work: Work,
        writer: replies.Writer,
        *,
        held: bool,
        counted: Callable[[Generated], dict[str, Any]] | None,
    ) -> Response:
        """The events of what is generated. ``held``: text is told only when all of it is known;
        ``counted``: the fields of a last event."""
        watch = self._metrics.generation()
        loop = asyncio.get_running_loop()

        async def make(put: Put) -> None:
            def on_text(index: int, text: str) -> None:
                if not held:
                    loop.call_soon_threadsafe(tell, index, text)

            def tell(index: int, text: str) -> None:
                if events := writer.text(index, text):
                    put(events)

            made = await self.call(request, lambda gone: work(watch.listen(on_text), gone))
            watch.done(made)
            # What the engine's thread told before it ended is handled before this goes on.
            for index, sample in enumerate(made.samples):
                if held:
                    tell(index, sample.text)
                put(writer.closing(index, sample))
            if counted is not None:
                put(writer.last(counted(made)))

        live = Live(writer.opening, writer.sign, lambda: DONE, _told)
        return await live.respond(make)


def _told(error: Exception) -> str:
    if isinstance(error, EngineError):
        return replies.sse(refusals.engine_failure(error)[1])
    _log.error("the engine failed within a stream", exc_info=error)
    return replies.sse(error_body(refusals.FAILED, "server_error"))


def _retrieved(task: "asyncio.Future[Any]") -> None:
    """Look at the outcome of work nobody waits for, or asyncio complains about it."""
    if not task.cancelled():
        task.exception()
