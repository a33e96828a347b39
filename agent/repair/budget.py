"""What a run may still spend: time, tokens and runs of tests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    def __call__(self) -> float: ...


class BudgetSpent(Exception):
    """A request was ended because the time that it may take is over."""


@dataclass
class Budget:
    """What a run may still spend. Wall clock in seconds on a monotonic clock; 0 tokens = no limit.

    `clock` is injected so that a test need not wait.
    """

    deadline: float
    clock: Clock
    tokens: int = 0
    test_runs: int = 0
    tokens_used: int = 0
    test_runs_used: int = 0
    started: float = field(init=False)
    _share: float = field(init=False, default=math.inf)
    _extra: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def resume(self, seconds: float) -> None:
        """Count what earlier sessions of the same run spent."""
        self.started -= seconds
        self.deadline -= seconds

    def extend(self, seconds: float) -> None:
        """Give the run, and whatever share of it is being spent now, so much more."""
        self._extra += seconds

    @contextmanager
    def until(self, spent: float) -> Iterator[None]:
        """Inside, the budget ends no later than when `spent` seconds of the run are spent."""
        outer, self._share = self._share, min(self._share, spent)
        try:
            yield
        finally:
            self._share = outer

    @property
    def seconds_spent(self) -> float:
        return self.clock() - self.started

    @property
    def seconds_left(self) -> float:
        end = min(self.deadline, self.started + self._share) + self._extra
        return max(0.0, end - self.clock())

    @property
    def spent(self) -> bool:
        return (
            self.seconds_left <= 0
            or (self.tokens > 0 and self.tokens_used >= self.tokens)
            or (self.test_runs > 0 and self.test_runs_used >= self.test_runs)
        )
