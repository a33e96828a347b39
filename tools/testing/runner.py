"""Run a repository's tests as its plan says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from tools.report import Outcome, TestReport, TestResult
from tools.sandbox.base import Sandbox
from tools.testing.events import Progress
from tools.testing.junit import named_files, read_results, snapshot
from tools.testing.plan import TestPlan
from tools.testing.session import TestSession
from tools.text import strip_control

_LONGEST_TEST = 30.0


class CommandSession(TestSession):
    """A session for a command of any kind: each run is a new process of it.

    It cannot select: every run runs everything, and the selection only picks what is reported.
    """

    def run(
        self,
        selection: Sequence[str] | None = None,
        timeout: float | None = None,
        stop_at_first: bool = False,  # noqa: ARG002 (a command runs to its end)
        *,
        on_progress: Progress | None = None,
        **_not_for_commands: object,
    ) -> TestReport:
        """Run the command; its exit status and JUnit XML files say what happened."""
        seconds = self._timeout if timeout is None else timeout
        before = snapshot(self._root)
        completed = self._sandbox.run(
            self._plan.argv,
            cwd=self._root,
            env=self._plan.environment,
            timeout=seconds,
            writable=[self._root],
            readable=[Path(path) for path in self._plan.readable],
        )
        results = read_results(self._root, before, named_files(self._plan.argv))
        output = strip_control((completed.stdout + completed.stderr).decode("utf-8", "replace"))
        if not results:
            results = (_whole(completed.returncode, completed.seconds, output, self._plan),)
        if selection is not None:
            results = tuple(result for result in results if result.id in selection)
        if on_progress is not None:
            on_progress(len(results), len(results))
        return TestReport(
            results=results,
            exit_code=completed.returncode,
            timed_out=completed.timed_out,
            collected=len(results),
            seconds=completed.seconds,
            output=output[-4000:],
            problem=_problem(completed.timed_out, completed.stopped_for),
        )


class TestRunner:
    """Clean runs, each in a process of its own, and sessions for many quick ones."""

    __test__ = False

    def __init__(
        self,
        plan: TestPlan,
        root: Path,
        sandbox: Sandbox,
        *,
        timeout: float,
        memory: int | None = None,
    ) -> None:
        """`root` is the workspace, `timeout` the default limit of a run in seconds."""
        self.plan = plan
        self._root = root
        self._sandbox = sandbox
        self._timeout = timeout
        self._memory = memory
        self._modules: tuple[str, ...] = ()

    def run(
        self,
        selection: Sequence[str] | None = None,
        *,
        coverage: bool = False,
        timeout: float | None = None,
        test_timeout: float | None = None,
        on_progress: Progress | None = None,
    ) -> TestReport:
        """Run `selection` (None for all) in a fresh process.

        A test that hangs fails after `test_timeout` seconds (by default half of the run's
        `timeout`, at most 30) and the others go on. Raises `ToolsError` if nothing can run.
        """
        limit = self._timeout if timeout is None else timeout
        with self._open(()) as session:
            report = session.run(
                selection,
                limit,
                coverage=coverage,
                test_timeout=test_timeout or min(limit / 2, _LONGEST_TEST),
                on_progress=on_progress,
                report_modules=True,
            )
            self._modules = session.loaded_modules or self._modules
        return report

    def beside(self, root: Path) -> Self:
        """The same tests in another copy of the repository; to be made behind the first `run`."""
        other = type(self)(
            self.plan, root, self._sandbox, timeout=self._timeout, memory=self._memory
        )
        other._modules = self._modules
        return other

    def session(self) -> TestSession:
        """A worker that has imported what the tests of the last `run` loaded from outside."""
        return self._open(self._modules)

    def rerun(self, ids: Sequence[str], times: int = 3) -> dict[str, tuple[Outcome, ...]]:
        """Outcomes of the same tests in `times` runs, each with another random seed."""
        outcomes: dict[str, list[Outcome]] = {wanted: [] for wanted in ids}
        with self.session() as session:
            for seed in range(1, times + 1):
                for result in session.run(ids, seed=seed).results:
                    if result.id in outcomes:
                        outcomes[result.id].append(result.outcome)
        return {wanted: tuple(found) for wanted, found in outcomes.items()}

    def _open(self, preload: Sequence[str]) -> TestSession:
        kind = CommandSession if self.plan.kind == "command" else TestSession
        return kind(
            self.plan,
            self._root,
            self._sandbox,
            timeout=self._timeout,
            memory=self._memory,
            preload=preload,
        )


def flaky(
    outcomes: dict[str, tuple[Outcome, ...]], before: Iterable[TestResult]
) -> tuple[str, ...]:
    """Ids of tests whose outcomes in `rerun` differ among themselves or from `before`."""
    seen = {result.id: result.outcome for result in before}
    return tuple(
        wanted
        for wanted, found in outcomes.items()
        if len({*found, *([seen[wanted]] if wanted in seen else [])}) > 1
    )


def _whole(returncode: int, seconds: float, output: str, plan: TestPlan) -> TestResult:
    """A command that reports no single tests counts as one test, named as it was typed."""
    lines = [line for line in output.splitlines() if line.strip()]
    passed = returncode == 0
    return TestResult(
        id=" ".join(plan.argv),
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        seconds=seconds,
        message="" if passed else (lines[-1][:400] if lines else f"exit status {returncode}"),
        traceback="" if passed else output[-4000:],
    )


def _problem(timed_out: bool, stopped_for: str) -> str:
    if timed_out:
        return "The test command was stopped at its time limit."
    return f"The sandbox stopped the test command: {stopped_for}." if stopped_for else ""
