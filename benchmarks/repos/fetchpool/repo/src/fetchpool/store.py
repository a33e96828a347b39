"""Where bodies are kept."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Store(Protocol):
    async def load(self, url: str) -> bytes | None: ...

    async def save(self, url: str, body: bytes) -> None: ...


class MemoryStore:
    """Keeps bodies in memory, as a file system would: not at once."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    async def load(self, url: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.bodies.get(url)

    async def save(self, url: str, body: bytes) -> None:
        await asyncio.sleep(0)
        self.bodies[url] = body
