"""What counts as passing, and what as a regression."""

from __future__ import annotations

import pytest

from agent.repair.outcomes import passed_targets, passes, regressed
from tools.report import Outcome, TestReport, TestResult


def report(**outcomes: Outcome) -> TestReport:
    return TestReport(
        results=tuple(
            TestResult(id=f"test_a.py::{name}", outcome=outcome, path="test_a.py")
            for name, outcome in outcomes.items()
        )
    )


@pytest.mark.parametrize(("outcome", "good"), [(o, o is Outcome.PASSED) for o in Outcome])
def test_only_a_test_that_passes_passes(outcome: Outcome, good: bool) -> None:
    assert passes("test_a.py::one", report(one=outcome)) is good
    assert bool(regressed(["test_a.py::one"], report(one=outcome))) is not good


def test_a_file_passes_when_its_tests_are_collected() -> None:
    broken = TestResult(id="test_a.py", outcome=Outcome.ERROR, path="test_a.py")
    assert not passes("test_a.py", TestReport(results=(broken,)))
    assert passes("test_a.py", report(one=Outcome.FAILED))
    assert not passes("test_a.py", TestReport())


def test_a_test_that_is_gone_is_a_regression_and_a_failing_one_is_named_first() -> None:
    before = ["test_a.py::one", "test_a.py::two"]
    assert regressed(before, report(one=Outcome.PASSED)) == ("test_a.py::two",)
    assert regressed(before, report(one=Outcome.FAILED)) == ("test_a.py::one",)
    assert regressed(before, report(one=Outcome.PASSED, two=Outcome.PASSED)) == ()


def test_targets_are_counted() -> None:
    both = report(one=Outcome.PASSED, two=Outcome.FAILED)
    assert passed_targets(["test_a.py::one", "test_a.py::two"], both) == 1
