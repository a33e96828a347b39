"""A headless Chromium, driven over its own debugging protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp


async def picture(
    program: str, address: str, good: Callable[[bytes], bool], profile: Path
) -> tuple[bytes, list[str]]:
    """The first picture (PNG) of the page that is `good`, and the addresses that it fetched.

    Raises TimeoutError when there is none.
    """
    process = subprocess.Popen(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
            "--window-size=1300,800", "--hide-scrollbars", f"--user-data-dir={profile}",
            "about:blank",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(150):
            return await _picture(address, good, profile)
    finally:
        process.kill()
        process.wait()


async def _picture(
    address: str, good: Callable[[bytes], bool], profile: Path
) -> tuple[bytes, list[str]]:
    ready = profile / "DevToolsActivePort"
    while not (ready.is_file() and ready.read_text().count("\n")):
        await asyncio.sleep(0.1)
    port = ready.read_text().splitlines()[0]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json") as got:
            pages = [page for page in await got.json() if page["type"] == "page"]
        async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            page = _Page(socket)
            await page.ask("Network.enable")
            await page.ask("Page.navigate", url=address)
            while True:
                told = await page.ask("Page.captureScreenshot", format="png")
                # There is nothing to take a picture of while the page is exchanged for another.
                if "data" in told and good(shot := base64.b64decode(told["data"])):
                    return shot, page.asked
                await asyncio.sleep(1)


class _Page:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.asked: list[str] = []
        """Addresses that the page fetched."""

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told = await self._socket.receive_json()
            if told.get("method") == "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])
            if told.get("id") == number:
                result: dict[str, Any] = told.get("result", {})
                return result
