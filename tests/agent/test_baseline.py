"""The first runs stay within their share of the budget and tell what they left out."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent import baseline
from agent.deps import Deps
from agent.errors import Unusable
from agent.events import Note
from tools.report import Frame, Outcome, TestReport, TestResult


def result(name: str, outcome: Outcome = Outcome.PASSED, message: str = "") -> TestResult:
    path = name.partition("::")[0]
    return TestResult(id=name, outcome=outcome, path=path, message=message)


FILES = ("t.py", "slow/test_a.py", "slow/test_z.py", "slow/helper.py", "docs/test_doc.py")


class World:
    """Deps that answer each test run with the next report."""

    def __init__(
        self,
        *reports: TestReport,
        budget: float = 100.0,
        command: str | None = None,
        path: str = "/repo",
    ) -> None:
        self.reports = list(reports)
        self.asked: list[tuple[Any, dict[str, Any]]] = []
        self.notes: list[str] = []
        self.recorded: list[TestReport] = []
        self.deps = cast(
            Deps,
            SimpleNamespace(
                task=SimpleNamespace(budget_seconds=budget, path=path, test_command=command),
                workspace=SimpleNamespace(
                    root=Path("/repo"), manifest=SimpleNamespace(files=FILES)
                ),
                run_tests=self.run_tests,
                emit=lambda event: isinstance(event, Note) and self.notes.append(event.text),
                record=SimpleNamespace(write=self.keep),
            ),
        )

    def keep(self, kind: str, report: dict[str, Any]) -> None:
        assert kind == "baseline"
        self.recorded.append(TestReport.model_validate(report))

    def run_tests(self, selection: Any = None, **options: Any) -> TestReport:
        self.asked.append((selection, options))
        return self.reports.pop(0)


CUT = result("t.py::c", Outcome.FAILED, "TestTimeout: still running after 3 seconds")


@pytest.mark.parametrize(("budget", "limit"), [(100.0, 20.0), (20.0, 10.0), (5.0, 5.0)])
def test_the_first_run_gets_a_share_of_the_budget(budget: float, limit: float) -> None:
    world = World(TestReport(results=(result("t.py::a"),)), budget=budget)
    baseline.run_all(world.deps)
    assert world.asked == [(None, {"clean": True, "timeout": limit})]


def test_what_ran_before_the_time_was_over_is_kept() -> None:
    bad = result("t.py::b", Outcome.FAILED, "AssertionError")
    results = (result("t.py::a"), bad, CUT)
    report = TestReport(results=results, timed_out=True, collected=40, seconds=20.0)
    world = World(report)
    found, caveats = baseline.run_all(world.deps)
    assert [test.id for test in found.results] == ["t.py::a", "t.py::b"]
    assert found.failing == (bad,)
    assert caveats == world.notes
    assert "stopped after 20 s" in caveats[0]
    assert "2 of 40 ran" in caveats[0]


SLOW = TestReport(results=(result("slow/test_a.py::a"), CUT), timed_out=True, seconds=20.0)


def test_files_that_were_not_reached_get_a_share_of_their_own() -> None:
    bad = result("slow/test_z.py::z", Outcome.FAILED, "AssertionError")
    world = World(SLOW, TestReport(results=(bad,), seconds=4.0))
    found, caveats = baseline.run_all(world.deps)
    assert world.asked[1] == (["slow/test_z.py"], {"clean": True, "timeout": 15.0})
    assert [test.id for test in found.results] == ["slow/test_a.py::a", "slow/test_z.py::z"]
    assert found.timed_out
    assert "stopped after 24 s" in caveats[0]


def test_of_the_files_that_were_not_reached_the_newest_come_first(tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    first = TestReport(results=(result("slow/test_b.py::b"), CUT), timed_out=True, seconds=20.0)
    for name, hour in (("slow/test_a.py", 1), ("slow/test_z.py", 2)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (3600 * hour, 3600 * hour))
    world = World(first, TestReport(results=(result("slow/test_z.py::z"),)), path=str(tmp_path))
    baseline.run_all(world.deps)
    assert world.asked[1][0] == ["slow/test_z.py", "slow/test_a.py"]


def test_a_command_of_the_users_own_is_not_widened() -> None:
    world = World(SLOW, command="pytest slow/test_a.py")
    found, _ = baseline.run_all(world.deps)
    assert len(world.asked) == 1
    assert len(found.results) == 1


def test_a_test_that_hangs_in_a_run_that_ends_is_a_failure() -> None:
    world = World(TestReport(results=(result("t.py::a"), CUT)))
    found, caveats = baseline.run_all(world.deps)
    assert found.failing == (CUT,)
    assert caveats == []


@pytest.mark.parametrize(
    "report", [TestReport(), TestReport(results=(CUT,), timed_out=True, problem="Too slow.")]
)
def test_without_a_result_there_is_nothing_to_go_on_with(report: TestReport) -> None:
    with pytest.raises(Unusable, match="did not run"):
        baseline.run_all(World(report).deps)


def several(path: str, count: int) -> list[TestResult]:
    return [result(f"{path}::t{number}") for number in range(count)]


BAD = result("tests/io/test_parser.py::bad", Outcome.FAILED)
SUITE = (
    *several("tests/web/test_page.py", 2),
    *several("tests/web/test_form.py", 2),
    *several("tests/io/test_writer.py", 1),
    *several("tests/io/test_old_parser.py", 1),
    *several("tests/io/test_parser.py", 1),
    result("tests/io/test_parser.py::skipped", Outcome.SKIPPED),
    BAD,
)


def test_coverage_begins_with_the_nearest_tests_and_spreads_over_the_others() -> None:
    assert baseline.chosen(TestReport(results=SUITE)) == [
        "tests/io/test_parser.py::t0",
        "tests/io/test_old_parser.py::t0",
        "tests/io/test_writer.py::t0",
        "tests/web/test_page.py::t0",
        "tests/web/test_form.py::t0",
        "tests/web/test_page.py::t1",
        "tests/web/test_form.py::t1",
    ]


@pytest.mark.parametrize(
    ("seconds", "timed_out", "count"), [(9.0, False, 700), (11.0, False, 400), (9.0, True, 400)]
)
def test_all_tests_of_a_quick_suite_are_measured(
    seconds: float, timed_out: bool, count: int
) -> None:
    results = (BAD, *several("t.py", 700))
    report = TestReport(results=results, seconds=seconds, timed_out=timed_out)
    assert len(baseline.chosen(report)) == count


@pytest.mark.parametrize(
    ("seconds", "budget", "limit"),
    [(0.1, 300.0, 5.0), (4.0, 300.0, 16.0), (9.0, 300.0, 30.0), (9.0, 100.0, 15.0)],
)
def test_failing_tests_come_first_and_the_measuring_ends_in_time(
    seconds: float, budget: float, limit: float
) -> None:
    first = TestReport(results=SUITE, seconds=seconds)
    measured = TestReport(results=(BAD, result("tests/io/test_parser.py::t0"), CUT), timed_out=True)
    world = World(measured, measured, budget=budget)
    report, failing, flaky = baseline.with_coverage(world.deps, first)
    selection = [name for names, _ in world.asked for name in names]
    assert selection[:2] == [BAD.id, "tests/io/test_parser.py::t0"]
    assert world.asked[-1][1] == {"coverage": True, "timeout": limit}
    assert (failing, flaky) == ((BAD,), [])
    assert CUT not in report.results


def test_a_limit_on_other_tests_leaves_the_failing_ones_their_coverage() -> None:
    measured = BAD.model_copy(update={"lines": {"m.py": (3,)}})
    own = TestReport(
        results=(measured,), import_lines={"m.py": (1,)}, imports={BAD.path: ("m.py",)}
    )
    nothing = TestReport(timed_out=True, import_lines={"m.py": (2,)})
    world = World(own, nothing, budget=100.0)
    first = TestReport(results=SUITE, seconds=24.0)
    report, failing, _ = baseline.with_coverage(world.deps, first)
    assert world.asked[0] == ([BAD.id], {"coverage": True, "timeout": 15.0})
    assert world.asked[1][1]["timeout"] == 15.0
    assert failing == (measured,)
    assert (report.import_lines, report.imports) == ({"m.py": (1, 2)}, own.imports)


def test_tests_that_may_wait_for_nothing_are_measured_last() -> None:
    stopped = result("a.py::stopped", Outcome.FAILED, "TestTimeout: still running")
    lost = result("a.py::lost", Outcome.FAILED, "socket.gaierror: name resolution")
    bad = result("z.py::bad", Outcome.FAILED, "AssertionError")
    world = World(TestReport(results=(stopped, lost, bad)))
    baseline.with_coverage(world.deps, TestReport(results=(stopped, lost, bad), seconds=9.0))
    assert world.asked[0][0] == [bad.id, lost.id, stopped.id]


def test_of_those_that_wait_for_a_server_one_is_measured() -> None:
    text = "TestTimeout: still running after 3 seconds, waiting in ready"
    where = (Frame(path="tests/conftest.py", line=3, function="ready"),)
    waiting = [
        result(f"a.py::{name}", Outcome.FAILED, text).model_copy(update={"frames": where})
        for name in "xyz"
    ]
    loops = result("a.py::loops", Outcome.FAILED, text)
    world = World(TestReport(results=(loops, waiting[0])))
    whole = TestReport(results=(*waiting, loops), seconds=9.0)
    _, failing, _ = baseline.with_coverage(world.deps, whole)
    assert world.asked[0][0] == [loops.id, waiting[0].id]
    assert [test.id for test in failing] == [test.id for test in (*waiting, loops)]


def test_what_was_stopped_and_is_only_slow_has_not_failed() -> None:
    """One passes, one fails in its own way, one hangs, and none waits for what never comes."""
    text = "TestTimeout: still running after 6 seconds"
    slow, wrong, hung = (result(f"t.py::{n}", Outcome.FAILED, text) for n in ("a", "b", "c"))
    waiting = result("t.py::w", Outcome.FAILED, f"{text}, waiting in ready").model_copy(
        update={"frames": (Frame(path="conftest.py", line=3, function="ready"),)}
    )
    tests = (slow, wrong, hung, waiting)
    first = TestReport(
        results=tuple(t.model_copy(update={"seconds": 6.0}) for t in tests), seconds=30.0
    )
    again = TestReport(
        results=(
            result(slow.id).model_copy(update={"seconds": 8.0}),
            result(wrong.id, Outcome.FAILED, "AssertionError").model_copy(update={"seconds": 7.0}),
            result(hung.id, Outcome.FAILED, "TestTimeout: still running after 15 seconds"),
        ),
    )
    world = World(first, again, budget=300.0)
    report, told = baseline.run_all(world.deps)
    assert world.asked[1] == ([t.id for t in tests[:3]], {"clean": True, "timeout": 30.0})
    assert [(t.id, t.hung) for t in report.failing] == [
        (wrong.id, False),
        (hung.id, True),
        (waiting.id, True),
    ]
    assert (report.seconds, told) == (33.0, [])
    assert world.notes[0].startswith("1 test did not end."), "more time is no help to the other"
    assert world.recorded == [report], "as it is judged by"

    in_a_hurry = World(first, budget=60.0)
    assert baseline.run_all(in_a_hurry.deps)[0] == first
    assert len(in_a_hurry.asked) == 1


def test_of_a_slow_suite_only_some_files_are_measured() -> None:
    many = [test for number in range(30) for test in several(f"test_{number}.py", 2)]
    for seconds, files in ((5.0, 30), (15.0, baseline.SPECTRUM_FILES)):
        found = baseline.chosen(TestReport(results=(BAD, *many), seconds=seconds))
        assert len({name.partition("::")[0] for name in found}) == files


def test_a_test_that_passes_the_second_time_is_flaky() -> None:
    again = BAD.model_copy(update={"outcome": Outcome.PASSED})
    world = World(TestReport(results=(again,)))
    _, failing, flaky = baseline.with_coverage(world.deps, TestReport(results=SUITE))
    assert (failing, flaky) == ((), [BAD.id])
