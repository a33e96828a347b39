"""The interface in a browser: who is let in, and that the page draws the screen."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from browser import picture

from agent import home as runs_home
from agent.state import Task
from tui.web.server import GuardedServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
TOKEN = "right-token"


def answers(requests: list[tuple[str, dict[str, str]]]) -> list[tuple[int, str, dict[str, str]]]:
    """Status, text and headers of each request (path, headers), none followed elsewhere."""

    async def play() -> list[tuple[int, str, dict[str, str]]]:
        server = GuardedServer("false", 0, TOKEN)
        runner = web.AppRunner(await server.make_app())
        await runner.setup()
        found = []
        try:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                port = runner.addresses[0][1]
                for path, headers in requests:
                    sent = {"Host": "127.0.0.1:0", **headers}
                    address = f"http://127.0.0.1:{port}{path}"
                    async with session.get(address, headers=sent, allow_redirects=False) as got:
                        found.append((got.status, await got.text(), dict(got.headers)))
        finally:
            await runner.cleanup()
        return found

    return asyncio.run(play())


COOKIE = {"Cookie": f"locum-0={TOKEN}"}


def test_the_token_becomes_a_cookie_that_opens_the_page() -> None:
    (welcome, page) = answers([(f"/?token={TOKEN}", {}), ("/", COOKIE)])
    assert welcome[0] == 303
    cookie = welcome[2]["Set-Cookie"]
    assert f"locum-0={TOKEN}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert page[0] == 200
    assert "textual-terminal" in page[1]


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/page/page.js"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "locum-0=wrong"},
        {"Cookie": "locum-1=" + TOKEN},
        {**COOKIE, "Origin": "http://evil.example"},
        {**COOKIE, "Origin": "null"},
        {**COOKIE, "Host": "evil.example"},
        {**COOKIE, "Host": "127.0.0.1:1"},
    ],
)
def test_nobody_else_gets_anything(path: str, headers: dict[str, str]) -> None:
    (refused, wrong) = answers([(path, headers), (f"{path}?token=wrong", {})])
    assert (refused[0], wrong[0]) == (403, 403)
    assert TOKEN not in refused[1]


def test_nothing_is_fetched_from_elsewhere() -> None:
    (page, script) = answers([("/", COOKIE), ("/page/page.js", COOKIE)])
    assert script[0] == 200
    assert "http" not in page[1].replace("ws://127.0.0.1:0/ws", "").replace(
        "http://127.0.0.1:0/static/", ""
    )
    policy = page[2]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """Where `agent ui --web` serves."""
    runs_home.new_run(Task(path="/src/bank", model="m"))
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "ui", "--web", "--theme", "locum-light"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    process.stdout.close()


@pytest.mark.slow
def test_the_server_answers_on_loopback_alone(address: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", address)
    frames = asyncio.run(_first_frame(address))
    assert "Recent runs" in frames


async def _first_frame(address: str) -> str:
    """What the page's socket gets until the run list is drawn, as a browser would ask for it."""
    base = address.partition("/?")[0]
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(address) as page:
            assert page.status == 200
        seen = ""
        async with session.ws_connect(f"{base}/ws?width=120&height=40", origin=base) as socket:
            async with asyncio.timeout(90):
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        seen += message.data.decode("utf-8", "replace")
                        if "not finished" in seen:
                            return seen
    return seen


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_the_page_draws_the_screen_in_chromium(address: str, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    shown, asked = asyncio.run(picture(CHROMIUM, address, _is_drawn, tmp_path / "profile"))
    if "LOCUM_PICTURES" in os.environ:
        Path(os.environ["LOCUM_PICTURES"], "browser.png").write_bytes(shown)
    base = address.partition("?")[0]
    assert all(url.startswith((base, "data:", "chrome:")) for url in asked), asked


def _is_drawn(png: bytes) -> bool:
    """Many rows of pixels differ: neither an empty page nor one line of text."""
    return len(_rows(png)) > 100


def _rows(data: bytes) -> set[bytes]:
    """The different rows of pixels of a PNG."""
    chunks, at = b"", 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            chunks += data[at + 8 : at + 8 + size]
        at += 12 + size
    raw = zlib.decompress(chunks)
    width = int.from_bytes(data[16:20], "big")
    row = 1 + width * {2: 3, 6: 4}[data[25]]
    return {raw[start + 1 : start + row] for start in range(0, len(raw), row)}


def test_a_terminal_is_needed_otherwise() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent", "ui"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--web" in done.stderr
    assert done.stdout == ""
