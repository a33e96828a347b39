"""textual-serve with a guard in front, a page of our own, and nothing fetched from elsewhere."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

from tui.web.guard import guard, harden

HERE = Path(__file__).parent


class GuardedServer(Server):
    """Every browser tab that is let in gets a process of its own that runs `command`."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(
            command, host="127.0.0.1", port=port, title="locum", templates_path=HERE / "pages"
        )
        self._token = token

    async def make_app(self) -> web.Application:
        app = await self._make_app()
        app.middlewares.append(guard(self._token, self.port))
        app.router.add_static("/page", HERE / "static")
        app.on_response_prepare.append(harden)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Without its banner."""


def serve(command: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; port 0 takes a free one. `say` gets the address with the token.

    Raises OSError when the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    # From here on whoever connects is kept waiting, not refused.
    listener.listen()
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(32)
    server = GuardedServer(command, port, token)
    say(f"http://127.0.0.1:{port}/?token={token}")
    # Its access log would hold the token.
    web.run_app(server.make_app(), sock=listener, print=None, access_log=None)
