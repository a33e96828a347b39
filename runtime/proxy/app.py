"""The proxy's HTTP interface: loopback, behind a token, in front of one upstream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from runtime import refusals
from runtime.guard import Guard, error_body
from runtime.proxy.asked import Asked, BadRequest, Kind, understood
from runtime.proxy.counting import Counter
from runtime.proxy.exchange import Exchange
from runtime.proxy.failures import Failure
from runtime.proxy.heal import Healer
from runtime.proxy.quirks import Memory, Quirk
from runtime.proxy.upstream import Upstream
from runtime.proxy.whole import Chunk, put_together
from runtime.replies import json_text, sse

_Result = TypeVar("_Result")
_LOOK_SECONDS = 0.2
_log = logging.getLogger(__name__)


def create_app(
    memory: Memory, upstream: Upstream, token: str, context: int | None = None
) -> FastAPI:
    """The application; every route wants the bearer ``token``. ``context``: the upstream's."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        yield
        await upstream.close()

    app = FastAPI(
        title="locum proxy", docs_url=None, redoc_url=None, openapi_url=None, lifespan=running
    )
    app.add_middleware(Guard, token=token)
    routes = _Routes(memory, upstream, Counter(upstream, memory, context))
    app.add_api_route("/health", routes.health, methods=["GET"])
    app.add_api_route("/v1/models", routes.models, methods=["GET"])
    app.add_api_route("/v1/chat/completions", routes.chat, methods=["POST"], response_model=None)
    app.add_api_route("/v1/completions", routes.complete, methods=["POST"], response_model=None)
    app.add_api_route("/v1/embeddings", routes.embeddings, methods=["POST"])
    refusals.handle(app)
    app.add_exception_handler(Failure, _failed)
    return app


class _Routes:
    """What is answered; each request upstream ends when its client leaves."""

    def __init__(self, memory: Memory, upstream: Upstream, counter: Counter) -> None:
        self._memory = memory
        self._upstream = upstream
        self._counter = counter

    async def health(self) -> dict[str, Any]:
        """Whether the proxy answers, and how often each quirk was seen."""
        seen = {str(quirk): count for quirk, count in self._memory.seen.items() if count}
        return {"status": "ok", "upstream": self._memory.upstream, "seen": seen}

    async def models(self) -> dict[str, Any]:
        """The upstream's."""
        return await self._upstream.whole("/models")

    async def embeddings(self, request: Request) -> dict[str, Any]:
        """The upstream's, unchanged."""
        body = await _json(request)
        return await _while_connected(request, self._upstream.whole("/embeddings", body))

    async def chat(self, request: Request) -> Response:
        """``/v1/chat/completions``."""
        return await self._answer("chat", request)

    async def complete(self, request: Request) -> Response:
        """``/v1/completions``."""
        return await self._answer("text", request)

    async def _answer(self, kind: Kind, request: Request) -> Response:
        try:
            asked = understood(kind, await _json(request))
        except BadRequest as error:
            raise HTTPException(400, str(error)) from error
        exchange = Exchange(asked, self._upstream, self._memory, self._counter)
        if asked.stream:
            return await self._stream(exchange)
        answer = await _while_connected(request, _whole(asked, exchange))
        return Response(json_text(answer), media_type="application/json")

    async def _stream(self, exchange: Exchange) -> Response:
        news: asyncio.Queue[Chunk | Failure | None] = asyncio.Queue()
        task = asyncio.create_task(_pump(exchange, news))
        first: list[Chunk | Failure | None] = []
        try:
            with suppress(TimeoutError):
                first.append(await asyncio.wait_for(news.get(), self._upstream.limits.grace))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if first and isinstance(first[0], Failure):
            raise first[0]
        return _Stream(self._events(exchange.healer, news, first), task)

    async def _events(
        self,
        healer: Healer,
        news: "asyncio.Queue[Chunk | Failure | None]",
        first: list[Chunk | Failure | None],
    ) -> AsyncIterator[str]:
        for chunk in healer.opening():
            yield sse(chunk)
        progress = self._upstream.limits.progress
        while True:
            try:
                item = first.pop() if first else await asyncio.wait_for(news.get(), progress)
            except TimeoutError:
                yield sse(healer.sign())
                continue
            if item is None:
                break
            yield sse(item.body if isinstance(item, Failure) else item)
        if self._memory.heals(Quirk.DONE) or not self._memory.seen[Quirk.DONE]:
            yield "data: [DONE]\n\n"


class _Stream(StreamingResponse):
    """Server-sent events; what makes them ends with the response, however that ends."""

    def __init__(self, events: AsyncIterator[str], task: "asyncio.Task[None]") -> None:
        super().__init__(events, media_type="text/event-stream")
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._task.cancel()


async def _pump(exchange: Exchange, news: "asyncio.Queue[Chunk | Failure | None]") -> None:
    """Let the upstream be read at its own pace; None is the end."""
    try:
        async for chunk in exchange.chunks():
            news.put_nowait(chunk)
    except Failure as failure:
        news.put_nowait(failure)
    except Exception:
        _log.exception("the proxy failed within a stream")
        body = error_body("the proxy failed; see its log", "server_error")
        news.put_nowait(Failure(500, body))
    finally:
        news.put_nowait(None)


async def _whole(asked: Asked, exchange: Exchange) -> dict[str, Any]:
    chunks = [chunk async for chunk in exchange.chunks()]
    answer = put_together(asked.kind, chunks)
    if exchange.healer.usage is not None:
        answer["usage"] = exchange.healer.usage
    return answer


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error


async def _while_connected(request: Request, work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result, unless the client leaves: then the work is cancelled."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=_LOOK_SECONDS))[0]:
            if await request.is_disconnected():
                raise HTTPException(499, "the client left")
        return task.result()
    finally:
        task.cancel()


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    headers = {"Retry-After": "5"} if error.status == 429 else None
    return JSONResponse(error.body, error.status, headers)
