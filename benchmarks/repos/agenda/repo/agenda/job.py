"""A job and what has become of it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from agenda.schedule import Schedule

Action = Callable[[int], None]


class JobState(enum.Enum):
    WAITING = "waiting"
    RETRYING = "retrying"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass
class Job:
    """Something to do, again and again if its schedule says so.

    After a failure it is tried again, `retries` times in a row at most, `delay` minutes apart.
    """

    name: str
    action: Action
    schedule: Schedule
    retries: int = 0
    delay: int = 5
    state: JobState = JobState.WAITING
    attempts: int = 0
    runs: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def run(self, minute: int) -> int | None:
        """Act, and return when to act next; None when this was the last time."""
        try:
            self.action(minute)
        except Exception as error:
            return self._failed(minute, error)
        self.runs += 1
        self.attempts = 0
        return self._wait(minute)

    def cancel(self) -> None:
        if not self.ended:
            self.state = JobState.CANCELLED

    def _failed(self, minute: int, error: Exception) -> int | None:
        self.errors.append(f"{minute}: {error}")
        self.attempts += 1
        if self.attempts > self.retries:
            self.state = JobState.FAILED
            return None
        self.state = JobState.RETRYING
        return minute + self.delay

    def _wait(self, minute: int) -> int | None:
        following = self.schedule.next_after(minute)
        self.state = JobState.DONE if following is None else JobState.WAITING
        return following
