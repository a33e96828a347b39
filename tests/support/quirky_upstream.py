"""An OpenAI-compatible server that gets wrong whatever a test wants, and counts what it is asked.

A ``Script`` says what to answer: chunks of a stream as they are sent, and one whole answer.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from runtime.listening import configuration, listener

HANG, BREAK = "hang", "break"
Step = dict[str, Any] | str | float


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    """A correct chunk of a chat."""
    entry = {"index": 0, "delta": delta or {}, "finish_reason": None} | choice
    return {
        "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [entry],
    }  # fmt: skip


def said(text: str, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A correct whole answer of a chat."""
    entry = {
        "index": 0,
        "message": {"role": "assistant", "content": text} | message,
        "finish_reason": finish,
    }
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    return {
        "id": "up-2", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [entry], "usage": usage,
    }  # fmt: skip


GOOD: list[Step] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hello"}),
    chunk({"content": ", world"}),
    chunk(finish_reason="stop"),
    "[DONE]",
]


@dataclass
class Script:
    """What to answer; ``statuses`` come first, one a request, with ``errors`` as their body.

    A step of ``stream`` is an object, raw data, a pause in seconds, HANG (nothing more comes) or
    BREAK (the connection is cut).
    """

    stream: list[Step] = field(default_factory=lambda: list(GOOD))
    whole: dict[str, Any] = field(default_factory=lambda: said("Hello, world"))
    whole_after: float = 0.0
    streams: bool = True
    statuses: list[int] = field(default_factory=list)
    error: Any = field(default_factory=lambda: {"error": "no"})
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    def app(self) -> Starlette:
        """The server of this script."""
        routes = [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/completions", self._complete, methods=["POST"]),
            Route("/{path:path}", self._other, methods=["GET", "POST"]),
        ]
        return Starlette(routes=routes)

    async def _other(self, request: Request) -> Response:
        answer = self.more.get(request.url.path)
        return JSONResponse(answer) if answer else PlainTextResponse("no such route", 404)

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            if isinstance(self.error, str):
                return PlainTextResponse(self.error, status, {"retry-after": "0"})
            return JSONResponse(self.error, status, {"retry-after": "0"})
        if body.get("stream") and self.streams:
            return StreamingResponse(self._events(), media_type="text/event-stream")
        await asyncio.sleep(self.whole_after)
        return JSONResponse(self.whole)

    async def _events(self) -> AsyncIterator[str]:
        try:
            for step in list(self.stream):
                if step == HANG:
                    await asyncio.sleep(60)
                elif step == BREAK:
                    raise ConnectionError("cut, as the test wants")
                elif isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    data = step if isinstance(step, str) else json.dumps(step)
                    yield f"data: {data}\n\n"
        except asyncio.CancelledError:
            self.left.set()
            raise


def running(app: Any, **settings: Any) -> Iterator[str]:
    """Serve an application on a free port until the generator is closed; gives its address."""
    listening = listener(0)
    config = configuration(app, log_level="critical", lifespan="auto", **settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
