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

    Code that never returns to the interpreter is not interrupted: the zygote kills it. Tests of
    one run mostly hang for one reason, so each that hangs halves what the following ones may take.
    """

    AGAIN = 1.0
    """Seconds after which a test that swallowed the interruption is interrupted again."""
    LEAST, SLOWER = 1.0, 3.0
    """The limit is not halved below so many seconds, nor below so many times the slowest test."""
    BUSY, IDLE = 0.8, 0.1
    """Shares of its time: a test which loops for ever computes more than the first where nothing
    holds it up, and one that waits for something less than the second."""

    def __init__(self, test_limit: float | None, run_limit: float) -> None:
        self._test_limit = test_limit
        self._end = time.monotonic() + run_limit
        self.run_is_over = False
        self.starved = False
        """A test was stopped that had not had the processor for most of its time."""
        self._limit = 0.0
        self._worked = 0.0
        self._slowest = 0.0
        self._hanging = 0

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        if time.monotonic() >= self._end - 0.01:
            self.run_is_over = True
        computed = time.process_time() - self._worked
        if computed < self.BUSY * self._limit:
            self.starved = True
        text = "still running after %.3g seconds" % self._limit
        if frame is not None and computed < self.IDLE * self._limit:
            text += ", waiting in %s" % frame.f_code.co_name
        raise TestTimeout(text)

    @contextlib.contextmanager
    def limit(self) -> Iterator[None]:
        """Hold the code inside to the time limits."""
        left = max(self._end - time.monotonic(), 0.001)
        self._limit = left if self._test_limit is None else min(left, self._patience())
        self._worked = time.process_time()
        # Each time, for pytest-timeout leaves the signal behind with what would end the process.
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self._limit, self.AGAIN)
        began = time.monotonic()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._learn(time.monotonic() - began)

    def _patience(self) -> float:
        """Seconds for the next test, by what the ones before it took."""
        limit = self._test_limit or 0.0
        halved: float = limit * 0.5**self._hanging
        return min(limit, max(halved, self.LEAST, self.SLOWER * self._slowest))

    def _learn(self, seconds: float) -> None:
        if seconds >= self._limit:
            self._hanging += 1
        else:
            self._slowest = max(self._slowest, seconds)
