"""Time limits inside the child: a test that hangs fails with the traceback of where it hangs."""

from __future__ import annotations

import contextlib
import signal
import time
from types import FrameType
from typing import Iterator

from .failures import TestTimeout


class Clock:
    """Interrupts the main thread when a test has used up its own time or the run's.

    Code that never returns to the interpreter is not interrupted: the zygote kills it.
    """

    AGAIN = 1.0
    """Seconds after which a test that swallowed the interruption is interrupted again."""

    def __init__(self, test_limit: float | None, run_limit: float) -> None:
        self._test_limit = test_limit
        self._end = time.monotonic() + run_limit
        self.run_is_over = False
        signal.signal(signal.SIGALRM, self._ring)
        self._limit = 0.0

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if time.monotonic() >= self._end - 0.01:
            self.run_is_over = True
        raise TestTimeout("still running after %.3g seconds" % self._limit)

    @contextlib.contextmanager
    def limit(self) -> Iterator[None]:
        """Hold the code inside to the time limits."""
        left = max(self._end - time.monotonic(), 0.001)
        self._limit = left if self._test_limit is None else min(left, self._test_limit)
        signal.setitimer(signal.ITIMER_REAL, self._limit, self.AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
