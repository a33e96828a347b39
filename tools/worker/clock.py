"""Time limits inside the child: a test that hangs fails with the traceback of where it hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Callable, Iterator

from .failures import TestTimeout


class Clock:
    """Interrupts the main thread when a test has used up its own time or the run's.

    Code that never returns to the interpreter is not interrupted: the zygote kills it. Tests of
    one run mostly hang for one reason, so each that hangs halves what the following ones may take.

    A test's own time is what passes while it runs or waits for something, without what it waits for
    a processor: on a busy machine a quick test is not taken for one that hangs. Where that has a
    limit, the run is over with the first test that exceeds it: what follows would, too, or does not
    matter any more. Where the system does not tell, a test has its whole time.
    """

    AGAIN = 1.0
    """Seconds after which a test that swallowed the interruption is interrupted again."""
    LEAST, SLOWER = 1.0, 3.0
    """The limit is not halved below so many seconds, nor below so many times the slowest test."""
    BUSY, IDLE = 0.8, 0.1
    """Shares of its time: a test which loops for ever computes more than the first where nothing
    holds it up, and one that waits for something less than the second."""

    def __init__(
        self, test_limit: float | None, run_limit: float, own_limit: float | None = None
    ) -> None:
        """Seconds that a test may take, the whole run, and a test of its own time."""
        # Kept here, for tests put other clocks and file systems in place of the real ones.
        self._now = time.monotonic
        self._in_queue = queue() if own_limit is not None else None
        self._test_limit = test_limit
        self._own = own_limit if self._in_queue is not None else None
        self._end = self._now() + run_limit
        self.run_is_over = False
        self.starved = False
        """A test was stopped that had not had the processor for most of its time."""
        self.stopped = ""
        """As `failures.message` tells it, how what ran last was stopped, if it was. The test may
        have made another error of it: hypothesis says that it draws other examples each time."""
        self._limit = 0.0
        self._began = self._worked = 0.0
        self._queued: float | None = None
        self._slowest = 0.0
        self._hanging = 0

    @property
    def no_more(self) -> bool:
        """Whether no further test of the run is to begin."""
        return self.run_is_over or (self._own is not None and self._hanging > 0)

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        passed = self._now() - self._began
        if self._began + passed >= self._end - 0.01:
            self.run_is_over = True
        waited = self._waited(passed)
        if left := self._left(passed, waited):
            signal.setitimer(signal.ITIMER_REAL, left, self.AGAIN)
            return
        took = self._limit if self._own is None else passed
        computed = time.process_time() - self._worked
        # What waits for a thread or process of its own may wait for one that waits for a processor.
        lacked = took - computed if self._own is None or _has_helpers() else waited
        if lacked > (1 - self.BUSY) * took:
            self.starved = True
        text = "still running after %.3g seconds" % took
        if frame is not None and computed < self.IDLE * took:
            text += ", waiting in %s" % frame.f_code.co_name
        self.stopped = "TestTimeout: " + text
        raise TestTimeout(text)

    def _waited(self, passed: float) -> float:
        """Seconds for a processor; all that passed where that cannot be told any more."""
        before, queued = self._queued, self._in_queue() if self._in_queue is not None else None
        return passed if before is None or queued is None else max(0.0, queued - before)

    def _left(self, passed: float, waited: float) -> float:
        """Seconds that the test may go on, at least; 0 where it may not."""
        if self._own is None or self.run_is_over:
            return 0.0
        left = min(self._limit - passed, self._own - (passed - waited))
        return left if left > 0.01 else 0.0

    @contextlib.contextmanager
    def limit(self) -> Iterator[None]:
        """Hold the code inside to the time limits."""
        left = max(self._end - self._now(), 0.001)
        self._limit = left if self._test_limit is None else min(left, self._patience())
        self._queued = self._in_queue() if self._in_queue is not None else None
        self.stopped = ""
        self._worked = time.process_time()
        # Each time, for pytest-timeout leaves the signal behind with what would end the process.
        signal.signal(signal.SIGALRM, self._ring)
        first = self._limit if self._own is None else min(self._limit, self._own)
        self._began = self._now()
        signal.setitimer(signal.ITIMER_REAL, first, self.AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._learn(self._now() - self._began)

    def _patience(self) -> float:
        """Seconds for the next test, by what the ones before it took."""
        limit = self._test_limit or 0.0
        halved: float = limit * 0.5**self._hanging
        return min(limit, max(halved, self.LEAST, self.SLOWER * self._slowest))

    def _learn(self, seconds: float) -> None:
        if self.stopped:
            self._hanging += 1
        else:
            self._slowest = max(self._slowest, seconds)


def queue() -> Callable[[], float | None] | None:
    """What tells the seconds that this process's main thread was ready to run and did not.

    None where the system does not tell; what it gives tells None when it can no longer, say because
    a test closed all files. The second field of
    https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat.
    """
    try:
        file = os.open("/proc/self/schedstat", os.O_RDONLY)
    except OSError:
        return None
    read = os.pread

    def seconds() -> float | None:
        try:
            return int(read(file, 100, 0).split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return None

    return seconds


def _has_helpers() -> bool:
    if threading.active_count() > 1:
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
