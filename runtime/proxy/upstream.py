"""HTTP to the upstream: time limits, second tries while nothing has come, and its errors."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from runtime.proxy import failures
from runtime.proxy.failures import CannotStream
from runtime.proxy.quirks import Memory, Quirk

Objects = AsyncGenerator[dict[str, Any], None]
_TRY_AGAIN = (502, 503, 504)
_LOOK_SECONDS = 5.0
_LONGEST_PAUSE = 10.0
_MOST_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """Seconds to wait: for a connection, for a stream's first event, between two, for the whole.

    ``tries`` counts the first one; ``progress``: seconds between signs of life to the client;
    ``grace``: how long the status of the client's answer stays open, for a refusal.
    """

    connect: float = 5.0
    first: float = 60.0
    idle: float = 60.0
    whole: float = 600.0
    after_end: float = 2.0
    tries: int = 3
    pause: float = 0.5
    progress: float = 5.0
    grace: float = 1.0


class Upstream:
    """One server, asked on behalf of the proxy's clients."""

    def __init__(
        self,
        memory: Memory,
        token: str = "",
        limits: Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._memory = memory
        self._base = memory.upstream.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        limits_of_time = httpx.Timeout(self.limits.whole, connect=self.limits.connect)
        # Proxies from the environment are not asked, and redirects not followed: the prompt goes
        # where the user said and nowhere else.
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=limits_of_time,
            headers=headers,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def whole(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer as one object; raises Failure. Without a body it is a GET."""
        try:
            async with asyncio.timeout(self.limits.whole), self._answered(path, body) as response:
                return self._object(await self._text(response))
        except TimeoutError:
            raise failures.too_slow(self._base, self.limits.whole) from None

    async def look(
        self, path: str, *, root: bool = False, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What an optional route says; empty if there is none. ``root``: outside ``/v1``."""
        base = self._base.removesuffix("/v1") if root else self._base
        method = "GET" if body is None else "POST"
        try:
            response = await self._http.request(
                method, base + path, json=body, timeout=_LOOK_SECONDS
            )
            told = response.json() if response.is_success else {}
        except (httpx.HTTPError, ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    async def events(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The objects of a stream; raises Failure, or CannotStream while nothing has come.

        A server that answers whole gives that one object.
        """
        try:
            async with asyncio.timeout(self.limits.whole) as clock:
                async for event in self._events(path, body):
                    yield event
        except TimeoutError:
            if not clock.expired():
                raise
            raise failures.too_slow(self._base, self.limits.whole) from None

    async def _events(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        began = False
        opened = self._answered(path, body)
        response = await self._first(opened.__aenter__())
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            if kind == "application/json":
                self._memory.note(Quirk.STREAM)
                yield self._object(await self._text(response))
                return
            lines = self._lines(response)
            while True:
                line = await (self._first(anext(lines, None)) if not began else self._next(lines))
                if line is None:
                    break
                began = True
                if line.strip() == "[DONE]":
                    return
                yield self._object(line)
            self._memory.note(Quirk.DONE)
            if not began:
                raise CannotStream
            if not _framed(response):
                raise failures.broken_off(self._base)
        finally:
            await opened.__aexit__(None, None, None)

    async def _first(self, waiting: Any) -> Any:
        try:
            async with asyncio.timeout(self.limits.first):
                return await waiting
        except TimeoutError:
            raise CannotStream from None

    async def _next(self, lines: AsyncIterator[str]) -> str | None:
        try:
            async with asyncio.timeout(self.limits.idle):
                return await anext(lines, None)
        except TimeoutError:
            raise failures.too_slow(self._base, self.limits.idle) from None

    async def _lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        try:
            async for event in EventSource(response).aiter_sse():
                if event.data:
                    yield event.data
        except SSEError:
            raise failures.nonsense(self._base) from None
        except httpx.TransportError:
            raise failures.broken_off(self._base) from None

    @asynccontextmanager
    async def _answered(
        self, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[httpx.Response]:
        """A successful response whose body is yet to be read.

        Asked again, up to ``tries`` times, while nothing but a refusal to serve has come.
        """
        method = "GET" if body is None else "POST"
        for left in range(self.limits.tries - 1, -1, -1):
            request = self._http.build_request(method, self._base + path, json=body)
            try:
                response = await self._http.send(request, stream=True)
            except httpx.TimeoutException as error:
                if left and isinstance(error, httpx.ConnectTimeout):
                    continue
                raise failures.too_slow(self._base, self.limits.whole) from None
            except httpx.TransportError:
                if not left:
                    raise failures.unreachable(self._base) from None
                await asyncio.sleep(self.limits.pause * (self.limits.tries - left))
                continue
            try:
                if response.is_success:
                    yield response
                    return
                pause = self._pause(response, left)
                if pause is None:
                    text = (await self._text(response))[:_MOST_ERROR_BYTES]
                    raise failures.refused(response.status_code, text, self._memory)
            finally:
                await response.aclose()
            await asyncio.sleep(pause)

    def _pause(self, response: httpx.Response, left: int) -> float | None:
        """Seconds until it makes sense to ask again; None: it does not."""
        if not left:
            return None
        if response.status_code in _TRY_AGAIN:
            return self.limits.pause * (self.limits.tries - left)
        wish = response.headers.get("retry-after", "")
        if response.status_code == 429 and wish.isdigit() and int(wish) <= _LONGEST_PAUSE:
            return float(wish)
        return None

    async def _text(self, response: httpx.Response) -> str:
        try:
            return (await response.aread()).decode("utf-8", "replace")
        except httpx.TransportError:
            raise failures.broken_off(self._base) from None

    def _object(self, text: str) -> dict[str, Any]:
        """JSON of the upstream; an error among it is a failure."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise failures.nonsense(self._base) from None
        if not isinstance(told, dict):
            raise failures.nonsense(self._base)
        if told.get("error"):
            raise failures.Failure(502, failures.error_object(told, 502, self._memory))
        return told


def _framed(response: httpx.Response) -> bool:
    """Whether HTTP itself tells a whole body from one that was broken off."""
    headers = response.headers
    return "content-length" in headers or "transfer-encoding" in headers
