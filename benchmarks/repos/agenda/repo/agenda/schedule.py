"""When a job runs. Times are minutes since midnight of the first day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

DAY = 24 * 60


class Schedule(Protocol):
    def next_after(self, minute: int) -> int | None:
        """The first time strictly after a minute; None when there is none."""


@dataclass(frozen=True)
class Once:
    minute: int

    def next_after(self, minute: int) -> int | None:
        return self.minute if self.minute > minute else None


@dataclass(frozen=True)
class Every:
    """At `start` and each `interval` from there, up to `until`."""

    interval: int
    start: int = 0
    until: int | None = None

    def __post_init__(self) -> None:
        if self.interval <= 0:
            raise ValueError("an interval must be positive")

    def next_after(self, minute: int) -> int | None:
        if minute < self.start:
            following = self.start
        else:
            passed = (minute - self.start) // self.interval
            following = self.start + (passed + 1) * self.interval
        if self.until is not None and following >= self.until:
            return None
        return following


@dataclass(frozen=True)
class Daily:
    """Each day at a time of day such as `07:30`."""

    at: str

    def next_after(self, minute: int) -> int | None:
        hours, _, minutes = self.at.partition(":")
        wanted = int(hours) * 60 + int(minutes)
        day = minute // DAY
        following = day * DAY + wanted
        return following if following > minute else following + DAY
