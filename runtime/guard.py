"""Who may talk to the server: loopback names, the bearer token, and bodies of bounded size.

Plain ASGI, so that it stands before routing and sees every route and every byte of a body.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 8 * 1024 * 1024
BODY_SECONDS = 60.0
_TOO_LARGE = f"the request body exceeds {MOST_BODY_BYTES} bytes"
_TOO_SLOW = f"the request body took longer than {BODY_SECONDS:.0f} seconds"
_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def error_body(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class Guard:
    """Refuses requests before the application sees them."""

    def __init__(self, application: Application, token: str) -> None:
        self._application = application
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._application(scope, _limited(receive), send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = scope["headers"]
        # A web page that had its name point to 127.0.0.1 still sends its own name here.
        hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
        port = (scope.get("server") or ("", 0))[1]
        served = {f"{name}:{port}" for name in _HOSTS}
        if len(hosts) != 1 or hosts[0] not in served:
            return JSONResponse(error_body("this host name is not served", "forbidden"), 403)
        # Only browsers send an origin, and no page of another one has any business here.
        origins = [value.decode("latin-1").lower() for name, value in headers if name == b"origin"]
        if any(origin.removeprefix("http://") not in served for origin in origins):
            return JSONResponse(error_body("this origin is not served", "forbidden"), 403)
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], self._expected):
            body = error_body(
                "the bearer token is missing or wrong", "authentication_error", "invalid_api_key"
            )
            return JSONResponse(body, 401, {"WWW-Authenticate": "Bearer"})
        lengths = [value for name, value in headers if name == b"content-length"]
        if any(not value.isdigit() or int(value) > MOST_BODY_BYTES for value in lengths):
            return JSONResponse(error_body(_TOO_LARGE, "invalid_request_error"), 413)
        return None


def _limited(receive: Receive) -> Receive:
    seen = 0
    deadline: float | None = asyncio.get_running_loop().time() + BODY_SECONDS

    async def counted() -> MutableMapping[str, Any]:
        nonlocal seen, deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, _TOO_SLOW) from None
        seen += len(message.get("body", b""))
        if seen > MOST_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE)
        if not message.get("more_body", False):
            # What comes after the body is the client's leaving, whenever that is.
            deadline = None
        return message

    return counted
