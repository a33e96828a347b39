"""Runs tests for the gateway, and candidates through the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from agent.errors import AgentError
from agent.repair.seams import Suspect
from tools.errors import ToolsError
from tools.gateway import ToolResult
from tools.report import Outcome, TestReport, TestResult, Watched
from tools.testing import TestRunner, TestSession
from tools.workspace import Workspace

Call = Callable[..., ToolResult]

SLACK = 1.25
"""Seconds that a quick run may take beyond five times what its tests took before any edit."""
FAILING_SECONDS = 1.0
"""A failing test counts for at most this much."""
LONGEST = 60.0
TRACED_SLOWDOWN = 20
"""Tracing in Python makes a compute-heavy test up to ten times slower, measured on 3.9."""
TRACED_LEAST, HUNG_SHARE = 2.0, 1 / 3
"""Seconds under coverage for any test; at most this share of the run for one that hung before."""
HANGING_SHARE, HANGING_LEAST, HANGING_SLACK = 0.1, 3.0, 3.0
"""In a run with a limit a test hangs after this share of it, but not before so many seconds, nor
before this many times what the slowest test was seen to take."""

HUNG_LEAST, OWN_LEAST, OWN_SLOWER = 0.3, 0.5, 20
"""Seconds of its own time that a quick run gives a test that hung before any edit, and any other;
either has at least so many times what the slowest took before any edit. Where loops are edited,
waiting for tests that never end was half of the time that the tests of candidates took."""


@dataclass
class _Known:
    """What clean runs told of the tests; the benches of one run share it."""

    seconds: dict[str, float] = field(default_factory=dict)
    hung: set[str] = field(default_factory=set)
    memory: int = 0
    fresh_starts: int = 0
    """How often the copies had to be as the engine means them to be."""


class TestBench:
    """The gateway's `run_tests`: clean runs in a new process, quick ones in a forked worker."""

    __test__ = False

    def __init__(
        self,
        runner: TestRunner,
        workspace: Workspace,
        on_progress: Callable[[int, int], None],
        stack: ExitStack,
    ) -> None:
        self._runner = runner
        self._workspace = workspace
        self._on_progress = on_progress
        self._stack = stack
        self._session: TestSession | None = None
        self._known = _Known()
        self._fresh_starts = 0

    @property
    def memory(self) -> int:
        """Bytes that the tests held at their peak before any edit; 0 where that is not known."""
        return self._known.memory

    def beside(self, workspace: Workspace) -> Self:
        """A bench with a worker of its own for another copy; to be made behind a clean run."""
        runner = self._runner.beside(workspace.root)
        other = type(self)(runner, workspace, self._on_progress, self._stack)
        other._known = self._known
        return other

    def __call__(
        self,
        selection: Sequence[str] | None,
        *,
        coverage: bool,
        clean: bool,
        timeout: float | None,
        stop_at_first: bool = False,
        watch: Mapping[str, Any] | None = None,
    ) -> TestReport:
        if clean or coverage:
            # A test may have written into the tree; a run that must be believed starts afresh.
            self._known.fresh_starts += 1
            self._start_afresh()
            report = self._runner.run(
                selection,
                coverage=coverage,
                timeout=timeout,
                test_timeout=(
                    self._traced_limit(selection, timeout)
                    if coverage
                    else self._patience(selection, timeout)
                ),
                on_progress=self._on_progress,
            )
            if not coverage:
                self._remember(report)
            return report
        if self._fresh_starts != self._known.fresh_starts:
            self._start_afresh()  # as the copy that the clean run was made in
        if watch is not None:
            timeout = self._traced_limit()
        return self._quick(selection, timeout or self._limit(selection), stop_at_first, watch)

    def _start_afresh(self) -> None:
        self._workspace.restore()
        self._fresh_starts = self._known.fresh_starts

    def _quick(
        self,
        selection: Sequence[str] | None,
        timeout: float,
        stop_at_first: bool,
        watch: Mapping[str, Any] | None,
    ) -> TestReport:
        if self._session is None:
            self._session = self._stack.enter_context(self._runner.session())
        limit, own = max(1.0, timeout / 2), None
        if watch is None and self._known.seconds:
            known = OWN_SLOWER * max(self._known.seconds.values())
            own = max(OWN_LEAST, known)
            if self._known.hung.intersection(selection or ()):
                # It hangs with most edits, too; on any system it is not waited for as long again.
                stop_at_first, own = True, max(HUNG_LEAST, known)
                limit = min(limit, own)
        return self._session.run(
            selection,
            timeout,
            stop_at_first,
            test_timeout=limit,
            own_timeout=own,
            brief=True,
            watch=watch,
        )

    def _patience(self, selection: Sequence[str] | None, timeout: float | None) -> float | None:
        """Seconds for one test of a run that has few for all of them: many may hang.

        Where nothing runs but what was stopped before, the question is whether it is only slow.
        """
        if timeout is None:
            return None
        if selection and self._known.hung.issuperset(selection):
            return timeout / 2
        known = HANGING_SLACK * max(self._known.seconds.values(), default=0.0)
        return max(HANGING_LEAST, HANGING_SHARE * timeout, known)

    def _traced_limit(
        self, selection: Sequence[str] | None = None, whole: float | None = None
    ) -> float:
        """Seconds for one test under coverage. Where one hung before it may be only slow, but must
        leave the others a part of the time for the `whole` run."""
        limit = TRACED_SLOWDOWN * max(self._known.seconds.values(), default=0.0)
        if whole is not None and self._known.hung.intersection(selection or ()):
            limit = min(limit, HUNG_SHARE * whole)
        return max(TRACED_LEAST, limit)

    def _remember(self, report: TestReport) -> None:
        """How long each test took, the first time it was seen."""
        self._known.memory = self._known.memory or report.memory
        for test in report.results:
            if test.id not in self._known.seconds and test.hung:
                self._known.hung.add(test.id)
            elif test.id in self._known.hung and not test.hung:
                self._known.hung.discard(test.id)
                self._known.seconds[test.id] = _usual_seconds(test)
            self._known.seconds.setdefault(test.id, _usual_seconds(test))

    def _limit(self, selection: Sequence[str] | None) -> float:
        names = self._known.seconds if selection is None else selection
        usual = sum(self._known.seconds.get(name, FAILING_SECONDS) for name in names)
        return min(SLACK + 5 * usual, max(LONGEST, 2 * usual))


def _usual_seconds(test: TestResult) -> float:
    """What the test would take if it passed, as far as one can tell."""
    if test.outcome not in (Outcome.FAILED, Outcome.ERROR):
        return test.seconds
    return 0.0 if test.hung else min(test.seconds, FAILING_SECONDS)


class GatewayTrials:
    """The search's CandidateRunner and Watcher: each write and run is a call of the gateway."""

    def __init__(self, call: Call, workspace: Workspace) -> None:
        self._call = call
        self._workspace = workspace

    def run(
        self,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool = False,
    ) -> TestReport:
        """Raises AgentError when the tests may not run; a file that may not be written fails."""
        before = {path: self._before(path) for path in files}
        arguments: dict[str, Any] = {"stop_at_first": stop_at_first}
        if selection is not None:
            arguments["selection"] = list(selection)
        try:
            if refusal := self._write(files):
                return TestReport(problem=refusal)
            result = self._call("run_tests", **arguments)
        finally:
            for path, text in before.items():
                if text is None:
                    self._workspace.remove(path)
                else:
                    self._workspace.write(path, text)
        if not result.ok or not isinstance(result.data, TestReport):
            raise AgentError(f"The tests could not be run: {result.content}")
        return result.data

    def watch(self, test: str, suspect: Suspect) -> Watched | None:
        """What the suspect did in one run of the test; None where that could not be seen."""
        function = {
            "path": suspect.path,
            "name": suspect.name.rpartition(".")[2],
            "first_line": suspect.first_line,
            "last_line": suspect.last_line,
        }
        result = self._call("run_tests", selection=[test], watch=function)
        return result.data.watched if isinstance(result.data, TestReport) else None

    def _before(self, path: str) -> str | None:
        """The text of a file; None for one that is new."""
        try:
            return self._workspace.read(path)
        except ToolsError:
            return None

    def _write(self, files: Mapping[str, str]) -> str:
        """Empty, or why the gateway did not let a file be written."""
        for path, text in files.items():
            result = self._call("write_file", path=path, content=text)
            if not result.ok:
                return result.content
        return ""
