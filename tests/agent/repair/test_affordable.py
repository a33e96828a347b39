"""Which tests stand for a suite that takes too long."""

from __future__ import annotations

import pytest

from agent.repair.affordable import edited_lines, is_slow, merged, near, usual_seconds
from agent.repair.seams import Splice
from tools.report import Outcome, TestReport, TestResult

TARGET = "tests/test_b.py::bad"


def passed(name: str, seconds: float = 1.0, **lines: tuple[int, ...]) -> TestResult:
    path = name.partition("::")[0]
    covered = {f"{stem}.py": numbers for stem, numbers in lines.items()}
    return TestResult(id=name, outcome=Outcome.PASSED, path=path, seconds=seconds, lines=covered)


REPORT = TestReport(
    results=(
        passed("tests/test_far.py::t"),
        passed("tests/test_b.py::same_file"),
        passed("tests/test_m.py::named_after"),
        passed("tests/test_x.py::covers", m=(2, 3)),
        passed("tests/test_x.py::covers_another", m=(9,)),
        TestResult(id=TARGET, outcome=Outcome.FAILED, path="tests/test_b.py"),
    )
)


COVERS, SAME_FILE = "tests/test_x.py::covers", "tests/test_b.py::same_file"
NAMED = "tests/test_m.py::named_after"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(9.0, (COVERS, SAME_FILE, NAMED)), (2.1, (COVERS, SAME_FILE)), (0.5, ())],
)
def test_the_nearest_come_first_and_no_more_than_there_is_time_for(seconds, expected):
    assert near(REPORT, {"m.py": {2}}, [TARGET], seconds) == expected


def test_one_slow_test_does_not_keep_quick_ones_behind_it_out():
    report = TestReport(results=(passed("a::slow", 9.0, m=(2,)), passed("a::quick", 0.1, m=(2,))))
    assert near(report, {"m.py": {2}}, [], 1.0) == ("a::quick",)


def test_lines_are_those_that_a_splice_replaces_or_stands_before():
    source = "one\ntwo\nthree\n"
    over = Splice(path="m.py", start=source.index("two"), end=source.index("hree"), text="x")
    before = Splice(path="n.py", start=0, end=0, text="x\n")
    found = edited_lines([over, before], {"m.py": source, "n.py": source})
    assert found == {"m.py": {2, 3}, "n.py": {1}}


@pytest.mark.parametrize(
    ("seconds", "timed_out", "budget", "slow"),
    [
        (19.0, False, 600.0, False),
        (21.0, False, 600.0, True),
        (4.0, False, 100.0, False),
        (6.0, False, 100.0, True),
        (1.0, True, 600.0, True),
    ],
)
def test_slow_is_told_by_seconds_and_by_the_budget(seconds, timed_out, budget, slow):
    assert is_slow(TestReport(seconds=seconds, timed_out=timed_out), budget) is slow


def test_what_a_later_run_says_replaces_what_was_known():
    broken = TestResult(id="tests/test_c.py", outcome=Outcome.ERROR, path="tests/test_c.py")
    whole = TestReport(results=(*REPORT.results, broken), seconds=50.0)
    mended = passed(TARGET, 2.0)
    part = TestReport(results=(mended, passed("tests/test_c.py::new")), seconds=2.0)
    found = merged(whole, part)
    assert found.seconds == 50.0
    assert found.ids(Outcome.PASSED)[-2:] == (TARGET, "tests/test_c.py::new")
    assert found.failing == ()
    assert len(found.results) == len(whole.results)


def test_time_that_hanging_tests_took_does_not_make_a_suite_slow():
    hung = TestResult(
        id="t.py::hangs", outcome=Outcome.FAILED, seconds=9.0, message="TestTimeout: still running"
    )
    slow = hung.model_copy(update={"id": "t.py::slow", "message": "AssertionError"})
    assert usual_seconds(TestReport(results=(hung,), seconds=10.0)) == pytest.approx(1.0)
    assert not is_slow(TestReport(results=(hung,), seconds=10.0), 60.0)
    assert is_slow(TestReport(results=(slow,), seconds=10.0), 60.0)
