"""Who may talk to the server: whoever brings its token, from a page of its own, by its own name."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REFUSED = "This page needs the address that `agent ui --web` printed, with its token.\n"
HEADERS = {
    # Nothing is fetched from anywhere else, whatever the page or a script in it asks for.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def guard(token: str, port: int) -> Middleware:
    """Refuses foreign names (a DNS entry that points here), foreign pages, and a wrong token.

    The token comes once in the address and stays in a cookie that no script can read.
    """
    origins = {f"http://127.0.0.1:{port}", f"http://localhost:{port}"}
    hosts = {origin.removeprefix("http://") for origin in origins}
    cookie = f"locum-{port}"

    def is_right(given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), token.encode())

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (
            request.host not in hosts
            or request.headers.get("Origin", next(iter(origins))) not in origins
        ):
            raise web.HTTPForbidden(text=REFUSED)
        if is_right(request.query.get("token")):
            welcome = web.HTTPSeeOther("/")
            welcome.set_cookie(cookie, token, httponly=True, samesite="Strict", path="/")
            raise welcome
        if not is_right(request.cookies.get(cookie)):
            raise web.HTTPForbidden(text=REFUSED)
        return await handler(request)

    return check


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: the headers of every answer."""
    for name, value in HEADERS.items():
        response.headers[name] = value.format(socket=f"ws://{request.host}")
