"""Trying again after a temporary failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class Temporary(Exception):
    """A failure that may pass; `after` is how many seconds the other side asks to wait."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class GaveUp(Exception):
    """Every attempt failed; the last failure is the cause."""


@dataclass(frozen=True)
class Backoff:
    """Waits of `first`, `first * factor`, … seconds, none longer than `longest`."""

    attempts: int = 3
    first: float = 0.5
    factor: float = 2.0
    longest: float = 30.0

    def wait(self, attempt: int, asked: float | None = None) -> float:
        """Seconds to wait after an attempt, counted from 1."""
        if asked is not None:
            return min(asked, self.longest)
        return min(self.first * self.factor ** (attempt - 1), self.longest)


async def retrying(
    action: Callable[[], Awaitable[T]], backoff: Backoff, sleep: Sleep = asyncio.sleep
) -> T:
    """The result of the action; raises GaveUp when it fails each time."""
    for attempt in range(1, backoff.attempts + 1):
        try:
            return action()
        except Temporary as failure:
            if attempt == backoff.attempts:
                raise GaveUp(f"failed {attempt} times: {failure}") from failure
            await sleep(backoff.wait(attempt, failure.after))
    raise ValueError("at least one attempt is needed")
