"""What a cache keeps for one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(slots=True)
class Entry(Generic[V]):
    """A value, what it weighs, and when it expires (None: never)."""

    value: V
    weight: int
    expires: float | None

    def fresh(self, now: float) -> bool:
        return self.expires is None or now < self.expires
