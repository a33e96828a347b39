"""How many fetches may run at once, for each host."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Limiter:
    """Hands out at most `limit` permits a host; who waits longest is served first."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("a limit is at least 1")
        self.limit = limit
        self.busy: dict[str, int] = defaultdict(int)
        self._waiting: dict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    @asynccontextmanager
    async def permit(self, host: str) -> AsyncIterator[None]:
        """Hold a permit inside the `async with` block."""
        await self._acquire(host)
        yield
        self._release(host)

    async def _acquire(self, host: str) -> None:
        if self.busy[host] < self.limit:
            self.busy[host] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[host].append(turn)
        await turn

    def _release(self, host: str) -> None:
        queue = self._waiting[host]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy[host] -= 1
