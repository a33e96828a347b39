"""Listening on loopback with limits of time: what every server of locum has in common."""

import asyncio
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 20.0
# For the rest of a body that nobody reads: whoever sends the whole of it may stay connected, and
# whoever never ends is not listened to for ever.
LINGER_SECONDS = 5.0
_MOST_HEADER_BYTES = 64 * 1024
_BACKLOG = 256


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose headers do not come to an end, or whose body does
    not soon after it was answered."""

    header_seconds = HEADER_SECONDS
    linger_seconds = LINGER_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection is open and owes a request."""
        super().connection_made(transport)
        self._start_clock(self.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Some bytes came; the clock runs only while the headers are not complete, or the body
        is no longer wanted."""
        super().data_received(data)
        waiting = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if waiting or self._answered_early:
            self._start_clock(self.header_seconds)
        else:
            self._stop_clock()

    def on_response_complete(self) -> None:
        """The answer is sent, which need not have waited for all of the body."""
        super().on_response_complete()
        if self._answered_early:
            self._start_clock(self.linger_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._stop_clock()
        super().connection_lost(exc)

    @property
    def _answered_early(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _start_clock(self, seconds: float) -> None:
        """Unless it runs already: bytes that trickle in win no time."""
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def listener(port: int) -> socket.socket:
    """A listening socket on loopback, 0: any free port; raises OSError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def configuration(app: Any, **changes: Any) -> uvicorn.Config:
    """How uvicorn serves an application here."""
    settings: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 1,
        "h11_max_incomplete_event_size": _MOST_HEADER_BYTES,
        "http": ImpatientProtocol,
        "lifespan": "off",
        "ws": "none",
    }
    return uvicorn.Config(app, **(settings | changes))
