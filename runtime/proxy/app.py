"""The proxy's HTTP interface: loopback, behind a token, in front of one upstream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from runtime import refusals
from runtime.guard import Guard, error_body
from runtime.live import DONE, Live, Put
from runtime.proxy.asked import Asked, BadRequest, Kind, understood
from runtime.proxy.counting import Counter
from runtime.proxy.exchange import Exchange
from runtime.proxy.failures import Failure
from runtime.proxy.quirks import Memory, Quirk
from runtime.proxy.upstream import Upstream
from runtime.proxy.whole import put_together
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
        healer, limits = exchange.healer, self._upstream.limits

        async def make(put: Put) -> None:
            async for chunk in exchange.chunks():
                put(sse(chunk))

        live = Live(
            opening=lambda: "".join(sse(chunk) for chunk in healer.opening()),
            sign=lambda: sse(healer.sign()),
            ending=self._ending,
            told=_told,
            grace=limits.grace,
            progress=limits.progress,
        )
        return await live.respond(make)

    def _ending(self) -> str:
        # Switched off, the end stays missing with an upstream that was seen to leave it out.
        adds = self._memory.heals(Quirk.DONE) or not self._memory.seen[Quirk.DONE]
        return DONE if adds else ""


def _told(error: Exception) -> str:
    if isinstance(error, Failure):
        return sse(error.body)
    _log.error("the proxy failed within a stream", exc_info=error)
    return sse(error_body("the proxy failed; see its log", "server_error"))


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
