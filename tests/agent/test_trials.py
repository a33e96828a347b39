"""A trial leaves the workspace as it found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.errors import AgentError
from agent.repair.seams import Suspect
from agent.trials import GatewayTrials, TestBench
from tools.gateway import Decision, ToolResult
from tools.report import Outcome, TestReport, TestResult, Watched
from tools.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    source = tmp_path / "repo"
    source.mkdir()
    (source / "m.py").write_text("old\n")
    return Workspace.create(source, tmp_path / "home")


class Tools:
    """Writes as the gateway would, and remembers what the tests met."""

    def __init__(self, workspace: Workspace, refused: str = "", broken: bool = False) -> None:
        self.workspace = workspace
        self.refused = refused
        self.broken = broken
        self.met: list[Mapping[str, str]] = []

    def __call__(self, tool: str, **arguments: Any) -> ToolResult:
        good = Decision(verdict="allow", rule="x")
        if tool == "write_file":
            if arguments["path"] == self.refused:
                return ToolResult(ok=False, content="refused", data=None, decision=good)
            self.workspace.write(arguments["path"], arguments["content"])
            return ToolResult(ok=True, content="", data=None, decision=good)
        root = self.workspace.root
        self.met.append({path.name: path.read_text() for path in root.glob("*.py")})
        return ToolResult(ok=not self.broken, content="no", data=TestReport(), decision=good)


@pytest.mark.parametrize(
    ("options", "met"),
    [
        ({}, [{"m.py": "new\n", "test_probe.py": "pass\n"}]),
        ({"refused": "test_probe.py"}, []),
        ({"broken": True}, [{"m.py": "new\n", "test_probe.py": "pass\n"}]),
    ],
)
def test_changed_files_come_back_and_new_ones_go(
    workspace: Workspace, options: dict[str, Any], met: list[Mapping[str, str]]
):
    tools = Tools(workspace, **options)
    trials = GatewayTrials(tools, workspace)
    files = {"m.py": "new\n", "test_probe.py": "pass\n"}
    if tools.broken:
        with pytest.raises(AgentError):
            trials.run(files, None)
    else:
        trials.run(files, None)
    assert tools.met == met
    assert [path.name for path in workspace.root.glob("*.py")] == ["m.py"]
    assert (workspace.root / "m.py").read_text() == "old\n"
    assert workspace.changed() == {}


def test_a_suspect_is_watched_in_one_test_run(workspace: Workspace) -> None:
    seen = Watched(count=1)
    asked: list[dict[str, Any]] = []

    def call(tool: str, **arguments: Any) -> ToolResult:
        asked.append({"tool": tool, **arguments})
        good = Decision(verdict="allow", rule="x")
        return ToolResult(ok=True, content="", data=TestReport(watched=seen), decision=good)

    suspect = Suspect(path="m.py", name="A.f", first_line=2, last_line=5, score=1.0)
    assert GatewayTrials(call, workspace).watch("test_m.py::test_f", suspect) == seen
    function = {"path": "m.py", "name": "f", "first_line": 2, "last_line": 5}
    assert asked == [{"tool": "run_tests", "selection": ["test_m.py::test_f"], "watch": function}]


def test_where_tests_may_not_run_nothing_is_seen(workspace: Workspace) -> None:
    def call(tool: str, **arguments: Any) -> ToolResult:
        refused = Decision(verdict="deny", rule="x")
        return ToolResult(ok=False, content="no", data=None, decision=refused)

    suspect = Suspect(path="m.py", name="f", first_line=2, last_line=5, score=1.0)
    assert GatewayTrials(call, workspace).watch("t", suspect) is None


class Runner:
    """One test hangs, one does not; remembers what quick runs are allowed."""

    def __init__(self, message: str) -> None:
        self.message = message
        self.asked: list[tuple[float, float | None, bool]] = []

    def run(self, selection: Sequence[str] | None, **options: Any) -> TestReport:
        bad = TestResult(id="t::bad", outcome=Outcome.FAILED, seconds=5.0, message=self.message)
        good = TestResult(id="t::good", outcome=Outcome.PASSED, seconds=0.001)
        return TestReport(results=(bad, good))

    def session(self) -> AbstractContextManager[Any]:
        quick = SimpleNamespace(run=self.quick)
        return nullcontext(quick)

    def quick(
        self,
        selection: Sequence[str] | None,
        timeout: float,
        stop_at_first: bool,
        *,
        test_timeout: float,
        own_timeout: float | None,
        **options: Any,
    ) -> TestReport:
        self.asked.append((test_timeout, own_timeout, stop_at_first))
        return TestReport()


def test_what_was_stopped_has_half_of_the_time_when_it_is_asked_again(workspace: Workspace):
    asked: list[tuple[float, float | None]] = []
    ends = iter((False, True, True))

    def run(selection: Sequence[str] | None, **options: Any) -> TestReport:
        asked.append((options["timeout"], options["test_timeout"]))
        message = "" if next(ends) else "TestTimeout: still running after 6 seconds"
        outcome = Outcome.FAILED if message else Outcome.PASSED
        slow = TestResult(id="t::slow", outcome=outcome, seconds=8.0, message=message)
        return TestReport(results=(slow,))

    with ExitStack() as stack:
        runner = SimpleNamespace(run=run)
        bench = TestBench(cast(Any, runner), workspace, lambda _done, _total: None, stack)
        bench(None, coverage=False, clean=True, timeout=60.0)
        bench(["t::slow"], coverage=False, clean=True, timeout=30.0)
        bench(["t::slow"], coverage=False, clean=True, timeout=30.0)
    assert asked == [(60.0, 6.0), (30.0, 15.0), (30.0, 24.0)], "at last it is known to be slow"


@pytest.mark.parametrize(
    ("message", "allowed"),
    [
        ("TestTimeout: still running after 5 seconds", [(0.3, 0.3, True), (1.0, 0.5, False)]),
        ("AssertionError", [(3.125, 20.0, False), (1.0, 20.0, False)]),
    ],
)
def test_a_test_that_hung_before_any_edit_is_not_waited_for_as_long_again(
    workspace: Workspace, message: str, allowed: list[tuple[float, float, bool]]
):
    runner = Runner(message)
    with ExitStack() as stack:
        bench = TestBench(cast(Any, runner), workspace, lambda _done, _total: None, stack)
        bench(None, coverage=False, clean=True, timeout=None)
        for name in ("t::bad", "t::good"):
            bench([name], coverage=False, clean=False, timeout=None)
    assert runner.asked == allowed


def test_under_coverage_a_test_that_hung_leaves_the_others_time(workspace: Workspace):
    def result(name: str, seconds: float, message: str = "") -> TestResult:
        outcome = Outcome.FAILED if message else Outcome.PASSED
        return TestResult(id=name, outcome=outcome, seconds=seconds, message=message)

    limits: list[float] = []

    def run(selection: Sequence[str] | None, *, test_timeout: float, **_: Any) -> TestReport:
        limits.append(test_timeout)
        hung = result("t::hung", 6.0, "TestTimeout: still running after 6 seconds")
        return TestReport(
            results=(result("t::slow", 3.0), hung, result("t::bad", 0.2, "AssertionError"))
        )

    with ExitStack() as stack:
        runner = SimpleNamespace(run=run)
        bench = TestBench(cast(Any, runner), workspace, lambda _done, _total: None, stack)
        bench(None, coverage=False, clean=True, timeout=60.0)
        for selection in (["t::bad", "t::hung"], ["t::slow", "t::bad"], None):
            bench(selection, coverage=True, clean=False, timeout=30.0)
        bench(["t::hung"], coverage=True, clean=False, timeout=3.0)
    assert limits[1:] == [10.0, 60.0, 60.0, 2.0]
