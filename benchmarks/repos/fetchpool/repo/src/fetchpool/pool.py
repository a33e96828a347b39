"""Fetches a list of addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fetchpool.limiter import Limiter
from fetchpool.retry import Backoff, GaveUp, Sleep, retrying
from fetchpool.store import Store

Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True)
class Result:
    """What became of an address: a body or an error."""

    url: str
    body: bytes | None = None
    error: str | None = None
    cached: bool = False


@dataclass(frozen=True)
class Progress:
    done: int
    total: int


class Pool:
    """Fetches through a store, so that nothing is fetched twice."""

    def __init__(
        self,
        fetch: Fetch,
        store: Store,
        *,
        per_host: int = 2,
        backoff: Backoff | None = None,
        sleep: Sleep = asyncio.sleep,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.limiter = Limiter(per_host)
        self._fetch = fetch
        self._store = store
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._on_progress = on_progress

    async def fetch_all(self, urls: Sequence[str]) -> list[Result]:
        """One result for each address, in the order of the addresses."""
        total = len(urls)
        results = []
        tasks = [asyncio.create_task(self.fetch_one(url)) for url in urls]
        for done, finished in enumerate(asyncio.as_completed(tasks), start=1):
            results.append(await finished)
            self._on_progress(Progress(done, total))
        return results

    async def fetch_one(self, url: str) -> Result:
        kept = await self._store.load(url)
        if kept is not None:
            return Result(url, kept, cached=True)
        host = urlsplit(url).netloc
        try:
            async with self.limiter.permit(host):
                body = await retrying(lambda: self._fetch(url), self._backoff, self._sleep)
        except (GaveUp, OSError) as failure:
            return Result(url, error=str(failure))
        await self._store.save(url, body)
        return Result(url, body)
