"""Clients that are too slow or send too much are cut off, and the others are served meanwhile."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from fake_engine import FakeEngine

from runtime import guard, listening
from runtime.guard import MOST_BODY_BYTES
from runtime.listening import ImpatientProtocol, configuration, listener
from runtime.server import create_app

HEAD = b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
TOKEN = b"Authorization: Bearer secret\r\n"
GIVE_UP = 60.0
"""Seconds after which a connection that is still open will stay so."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server as it is run, with limits of a second."""
    monkeypatch.setattr(ImpatientProtocol, "header_seconds", 1.0)
    monkeypatch.setattr(ImpatientProtocol, "linger_seconds", 1.0)
    monkeypatch.setattr(guard, "BODY_SECONDS", 1.0)
    socket_ = listener(0)
    app = create_app(FakeEngine(), "secret", "fake")
    server = uvicorn.Server(configuration(app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket_]}, daemon=True)
    thread.start()
    yield socket_.getsockname()[1]
    server.should_exit = True
    thread.join()


def others_are_served(port: int) -> None:
    headers = {"Authorization": "Bearer secret"}
    answer = httpx.post(
        f"http://127.0.0.1:{port}/tokenize", json={"content": "a bc"}, headers=headers, timeout=30
    )
    assert answer.json() == {"tokens": [1, 2]}


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), GIVE_UP)


def dribbled(client: socket.socket, piece: bytes) -> bytes:
    """What the server said until it closed, while the client goes on sending bit by bit."""
    heard = b""
    client.settimeout(0.05)
    end = time.monotonic() + GIVE_UP
    while time.monotonic() < end:
        try:
            client.sendall(piece)
            if not (new := client.recv(65536)):
                return heard
            heard += new
        except TimeoutError:
            continue
        except ConnectionError:
            return heard
    raise AssertionError("the connection was not closed")


def send_on(client: socket.socket, piece: bytes) -> None:
    """Send until the server has closed."""
    end = time.monotonic() + GIVE_UP
    while time.monotonic() < end:
        client.sendall(piece)


def answered(client: socket.socket) -> int:
    """The status of one whole answer."""
    heard = b""
    while not heard.endswith(b"}"):
        heard += client.recv(65536)
    return status(heard)


def status(heard: bytes) -> int:
    return int(heard.split()[1])


@pytest.mark.parametrize(
    "sent", [b"", b"POST", b"POST /tokenize HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "]
)
def test_headers_that_never_end_are_cut_off(port: int, sent: bytes) -> None:
    with connected(port) as client:
        client.sendall(sent)
        others_are_served(port)
        assert dribbled(client, b"x" if sent else b"") == b""
    others_are_served(port)


def test_headers_that_never_end_after_a_first_request_are_cut_off(port: int) -> None:
    body = b'{"content": "a"}'
    request = HEAD % port + TOKEN + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connected(port) as client:
        client.sendall(request)
        assert answered(client) == 200
        client.sendall(request)
        assert answered(client) == 200, "in time, so it is answered"
        client.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        assert dribbled(client, b"x") == b""


def test_headers_in_several_pieces_are_read(port: int) -> None:
    with connected(port) as client:
        for piece in (HEAD % port, TOKEN, b"Content-Length: 16\r\n\r\n", b'{"content"', b': "a"}'):
            client.sendall(piece)
            time.sleep(0.02)
        assert answered(client) == 200


def test_headers_without_limit_are_cut_off(port: int) -> None:
    with connected(port) as client:
        client.sendall(HEAD % port + TOKEN)
        heard = dribbled(client, b"X-More: " + b"x" * 8000 + b"\r\n")
        assert heard == b"" or status(heard) == 400
    others_are_served(port)


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
def test_a_body_that_never_ends_is_refused_and_cut_off(port: int, length: bytes) -> None:
    with connected(port) as client:
        client.sendall(HEAD % port + TOKEN + length + b"\r\n\r\n")
        piece = b" " if length.startswith(b"Content") else b"1\r\n \r\n"
        others_are_served(port)
        heard = dribbled(client, piece)
        assert status(heard) == 408
        assert b"took longer" in heard
    others_are_served(port)


@pytest.mark.parametrize(
    ("token", "expected"), [(b"", 401), (b"Authorization: Bearer no\r\n", 401), (TOKEN, 413)]
)
def test_whoever_is_refused_cannot_go_on_sending(port: int, token: bytes, expected: int) -> None:
    with connected(port) as client:
        client.sendall(HEAD % port + token + b"Content-Length: 100000000000\r\n\r\n")
        assert status(dribbled(client, b" " * 1000)) == expected
    others_are_served(port)


def test_a_body_without_length_is_cut_off_where_it_gets_too_large(port: int) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with connected(port) as client:
        client.sendall(HEAD % port + TOKEN + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(2 * MOST_BODY_BYTES // 0x100000):
            client.sendall(chunk)
        assert status(client.recv(65536)) == 413
        with pytest.raises(ConnectionError):
            send_on(client, chunk)
    others_are_served(port)


def test_two_hundred_that_say_nothing_keep_nobody_out(port: int) -> None:
    idle = [connected(port) for _ in range(200)]
    others_are_served(port)
    for client in idle:
        assert dribbled(client, b"") == b""
        client.close()


def test_the_limits_are_the_documented_ones() -> None:
    config: Any = configuration(None)
    assert config.h11_max_incomplete_event_size == 64 * 1024
    assert config.http is ImpatientProtocol
    assert (listening.HEADER_SECONDS, guard.BODY_SECONDS, MOST_BODY_BYTES) == (20, 60, 8 << 20)
