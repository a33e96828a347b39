import asyncio

import pytest

from fetchpool import Temporary


class Web:
    """A web of a few pages; `failures` says how often each fails first."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.failures: dict[str, int] = {}
        self.delays: dict[str, int] = {}
        self.requests: list[str] = []
        self.open = 0
        self.most_open = 0

    async def fetch(self, url: str) -> bytes:
        self.requests.append(url)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            for _ in range(self.delays.get(url, 1)):
                await asyncio.sleep(0)
            if self.failures.get(url, 0) > 0:
                self.failures[url] -= 1
                raise Temporary("busy")
            if url not in self.pages:
                raise FileNotFoundError(f"no page {url}")
            return self.pages[url]
        finally:
            self.open -= 1


@pytest.fixture
def web() -> Web:
    web = Web()
    web.pages = {f"http://a.test/{name}": name.encode() for name in "pqrs"}
    return web


class Sleeper:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()
