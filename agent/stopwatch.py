"""A clock that stands still while a run waits for a person."""

from __future__ import annotations

import threading
import time

from agent.repair.budget import Clock


class Stopwatch:
    """Monotonic seconds without the stretches between `stop` and `go`; safe from any thread.

    Stops add up: it goes on when there was a `go` for each of them.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stops = 0
        self._since = 0.0
        self._stood = 0.0

    def __call__(self) -> float:
        with self._lock:
            return (self._since if self._stops else self._clock()) - self._stood

    def stop(self) -> None:
        with self._lock:
            if self._stops == 0:
                self._since = self._clock()
            self._stops += 1

    def go(self) -> None:
        """Undoes one `stop`; without one it does nothing."""
        with self._lock:
            if self._stops == 1:
                self._stood += self._clock() - self._since
            self._stops = max(0, self._stops - 1)
