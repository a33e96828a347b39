"""The next candidates' tests run in other copies while the first one's verdict is worked out.

The caller's thread is the first lane and takes the reports in the candidates' order, so nothing
but it ever touches the first copy. Each further lane is a thread with a copy of its own that takes
the next run which nobody began; the caller takes runs, too, where it would have to wait for one.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from tools.report import TestReport

AHEAD = 16
"""Candidates behind the one to be judged whose runs may be under way or done: one that hangs takes
as long as a score of others, which the other lane makes in that time."""

IN_VAIN = 3
"""So many runs on end were made again with the same result: what the tests wait for never comes,
whatever the other lanes do. Until a run ends by itself there is one lane."""


class CandidateRunner(Protocol):
    """Runs tests on a copy of the repository with some files replaced, and puts the files back."""

    def run(
        self,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool = False,
    ) -> TestReport:
        """Write `files` (path to whole new text), run, restore. `None` selects every test.

        Files that were not there are gone afterwards; a selected path stands for all its tests.

        With `stop_at_first` the run ends with the first test that fails.
        """


class OtherLanes(Protocol):
    """What can run candidates beside the first lane."""

    def __call__(self) -> Sequence[CandidateRunner]:
        """Runners on copies that are as the first one is now; empty where one lane is better."""


def no_others() -> Sequence[CandidateRunner]:
    """One lane."""
    return ()


@dataclass(frozen=True)
class Admitted:
    """A candidate's edited files, or why it is not worth a run."""

    files: Mapping[str, str]
    rejected: str = ""
    key: tuple[str, ...] = ()
    """What tells it from other candidates; empty for one that is rejected."""


@dataclass(eq=False)
class _Begun:
    admitted: Admitted
    report: Future[TestReport | None]
    """None where none was made. While it can be cancelled, nobody has begun the run."""


class Ahead:
    """Candidates in order, each with the report of its first run. A context manager.

    Once it is left no run is under way, and `drop` has heard of each candidate that was admitted
    and not taken: that its run was begun has no consequences.
    """

    def __init__(
        self,
        admitted: Iterable[Admitted],
        drop: Callable[[Admitted], None],
        lanes: Sequence[CandidateRunner],
        selection: Sequence[str],
        *,
        stop_at_first: bool,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`admitted` is read ahead only where there is more than one lane; the first of `lanes`
        is the caller's own. Once `over` says that there is no more time, no run begins early.
        """
        self._admitted = iter(admitted)
        self._drop = drop
        self._first, *others = lanes
        self._selection = selection
        self._stop_at_first = stop_at_first
        self._over = over
        self._in_vain = 0
        self._begun: deque[_Begun] = deque()
        self._free: queue.SimpleQueue[CandidateRunner] = queue.SimpleQueue()
        for runner in others:
            self._free.put(runner)
        self._others = ThreadPoolExecutor(len(others), "lane") if others else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._others is not None:
            self._others.shutdown(wait=True, cancel_futures=True)
        for begun in self._begun:
            self._drop(begun.admitted)

    def take(self) -> tuple[Admitted, TestReport | None]:
        """The next candidate; there must be one. Raises what its run raised."""
        self._read_ahead()
        begun = self._begun.popleft() if self._begun else self._begin(next(self._admitted))
        while not self._run_here(begun) and not begun.report.done():
            if self._over() or not any(self._run_here(later) for later in self._begun):
                break
            self._read_ahead()
        report = begun.report.result()
        admitted = begun.admitted
        if admitted.rejected:
            return admitted, None
        if report is None:
            report = self._tested(self._first, admitted)
        stop = self._stop_at_first
        return admitted, self._sure(report, admitted.files, self._selection, stop_at_first=stop)

    def run(
        self,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool = False,
    ) -> TestReport:
        """One more run for a candidate that was taken, in the first lane."""
        report = self._first.run(files, selection, stop_at_first=stop_at_first)
        return self._sure(report, files, selection, stop_at_first=stop_at_first)

    def _read_ahead(self) -> None:
        while self._others is not None and not self._alone and len(self._begun) < AHEAD:
            admitted = next(self._admitted, None)
            if admitted is None:
                return
            self._begun.append(self._begin(admitted))

    def _begin(self, admitted: Admitted) -> _Begun:
        if admitted.rejected:
            return _Begun(admitted, _settled(lambda: None))
        if self._others is None or self._alone:
            return _Begun(admitted, Future())
        return _Begun(admitted, self._others.submit(self._run_there, admitted))

    def _run_there(self, admitted: Admitted) -> TestReport | None:
        if self._over():
            return None
        runner = self._free.get_nowait()
        try:
            return self._tested(runner, admitted)
        finally:
            self._free.put(runner)

    def _run_here(self, begun: _Begun) -> bool:
        """Run it in the first lane unless somebody has begun or done so."""
        if not begun.report.cancel():
            return False
        begun.report = _settled(lambda: self._tested(self._first, begun.admitted))
        return True

    def _tested(self, runner: CandidateRunner, admitted: Admitted) -> TestReport:
        return runner.run(admitted.files, self._selection, stop_at_first=self._stop_at_first)

    def _sure(
        self,
        report: TestReport,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool,
    ) -> TestReport:
        """The report, or where the other lanes may have been what spoiled it, one without them."""
        if not _may_be_the_load(report):
            self._in_vain = 0
            return report
        if self._others is None or self._alone:
            return report
        waiting = [later for later in self._begun if later.report.cancel()]
        wait([later.report for later in self._begun if later not in waiting])
        again = self._first.run(files, selection, stop_at_first=stop_at_first)
        self._in_vain += _may_be_the_load(again)
        for later in self._begun:
            if self._alone and _spoiled(later.report):
                later.report = Future()
            elif later in waiting and not self._alone:
                later.report = self._others.submit(self._run_there, later.admitted)
        return again

    @property
    def _alone(self) -> bool:
        """Whether the other lanes stand still: what runs now runs by itself."""
        return self._in_vain >= IN_VAIN


def _may_be_the_load(report: TestReport) -> bool:
    """Whether a test was stopped by the clock without having had the processor all the time, or
    something killed the worker, say for want of memory."""
    return report.starved or bool(report.problem and report.exit_code is None)


def _spoiled(report: Future[TestReport | None]) -> bool:
    if report.cancelled() or report.exception() is not None:
        return False
    made = report.result()
    return made is not None and _may_be_the_load(made)


def _settled(work: Callable[[], TestReport | None]) -> Future[TestReport | None]:
    """What came of it, kept as another thread's would be until its turn comes."""
    done: Future[TestReport | None] = Future()
    try:
        done.set_result(work())
    except Exception as error:
        done.set_exception(error)
    return done
