from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

import pytest

from agent.repair.budget import Budget
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence, Splice
from agent.repair.verify import SearchVerifier
from tools.report import Outcome, TestReport, TestResult

SOURCE = "def f(a):\n    return a\n"
TARGET, OTHER = "test_m.py::test_f", "test_m.py::test_g"


class Scripted:
    """Outcomes decided by the text of `m.py`."""

    def __init__(self, decide: Callable[[str, str], bool]) -> None:
        self.decide = decide
        self.runs: list[tuple[str, ...] | None] = []

    def run(
        self,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool = False,
    ) -> TestReport:
        self.runs.append(None if selection is None else tuple(selection))
        results = []
        for name in selection if selection is not None else (TARGET, OTHER):
            good = self.decide(files["m.py"], name)
            outcome = Outcome.PASSED if good else Outcome.FAILED
            results.append(TestResult(id=name, outcome=outcome, path="test_m.py"))
            if stop_at_first and not good:
                break
        return TestReport(results=tuple(results))


def returning(value: str, path: str = "m.py") -> Candidate:
    start = SOURCE.index("return a") + 7
    splice = Splice(path=path, start=start, end=start + 1, text=value)
    return Candidate(strategy="template", splices=(splice,))


def verifier(runner: Scripted, **options: int) -> SearchVerifier:
    return SearchVerifier(runner, (PythonLanguage(),), clock=lambda: 0.0, **options)


def test_only_what_passes_the_target_meets_the_whole_suite(
    evidence: Callable[..., Evidence], budget: Budget
):
    runner = Scripted(lambda text, name: name == OTHER or "b" in text)
    bad, good = verifier(runner).verify(
        [returning("c"), returning("b")], evidence(SOURCE, "f"), budget
    )
    assert (bad.survives, good.survives, good.whole_suite) == (False, True, True)
    assert runner.runs == [(TARGET,), (TARGET,), None]
    assert budget.test_runs_used == 3


def test_a_regression_is_named(evidence: Callable[..., Evidence], budget: Budget):
    runner = Scripted(lambda text, name: name == TARGET)
    (verdict,) = verifier(runner).verify([returning("b")], evidence(SOURCE, "f"), budget)
    assert verdict.target_passed == 1
    assert verdict.regressions == (OTHER,)
    assert not verdict.survives


def test_an_edit_that_mends_some_targets_is_held_against_tests_near_it(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "f")
    failing, passing = before.baseline.results
    second = failing.model_copy(update={"id": "test_m.py::test_h"})
    near = passing.model_copy(update={"lines": {"m.py": (2,)}})
    before = replace(
        before,
        failing=(failing, second),
        baseline=TestReport(results=(failing, second, near)),
    )
    runner = Scripted(lambda text, name: name == TARGET or (name == OTHER and "b" in text))
    worse, sound = verifier(runner).verify([returning("c"), returning("b")], before, budget)
    assert (worse.target_passed, worse.regressions) == (1, (OTHER,))
    assert (sound.target_passed, sound.regressions, sound.whole_suite) == (1, (), False)
    assert runner.runs == 2 * [(TARGET, "test_m.py::test_h"), (OTHER,)]


@pytest.mark.parametrize(
    ("count", "seconds", "told"), [(8, 1.0, 7), (24, 0.01, 23), (9, 1.0, 0), (25, 0.01, 0)]
)
def test_of_few_or_quick_targets_all_are_run_though_one_fails(
    evidence: Callable[..., Evidence], budget: Budget, count: int, seconds: float, told: int
):
    """Else an edit that mends all but the first, which has another cause, looks like any other."""
    before = evidence(SOURCE, "f")
    failing = before.failing[0]
    targets = tuple(
        failing.model_copy(update={"id": f"test_m.py::test_{n}", "seconds": seconds})
        for n in range(count)
    )
    runner = Scripted(lambda text, name: name != targets[0].id)
    several = replace(before, failing=targets)
    (verdict,) = verifier(runner).verify([returning("b")], several, budget)
    assert verdict.target_passed == told


def test_passing_tests_near_the_edit_run_before_the_whole_suite(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "f")
    failing, passing = before.baseline.results
    near = passing.model_copy(update={"lines": {"m.py": (2,)}})
    far = passing.model_copy(update={"id": "test_m.py::far"})
    report = TestReport(results=(failing, near, far))
    runner = Scripted(lambda text, name: name == TARGET)
    (verdict,) = verifier(runner).verify([returning("b")], replace(before, baseline=report), budget)
    assert runner.runs == [(TARGET,), (OTHER,)]
    assert verdict.regressions == (OTHER,)


def test_what_one_edit_broke_runs_before_the_whole_suite_for_the_next(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "f")
    runner = Scripted(lambda text, name: name == TARGET)
    search = verifier(runner)
    one, two = search.verify([returning("b"), returning("c")], before, budget)
    assert (one.regressions, one.whole_suite) == ((OTHER,), True)
    assert (two.regressions, two.whole_suite) == ((OTHER,), False)
    assert runner.runs == [(TARGET,), None, (TARGET,), (OTHER,)]
    runner.runs.clear()
    # Nothing is known of a test that fails by now for another reason.
    failing = before.failing[0]
    third = TestResult(id="test_m.py::test_z", outcome=Outcome.PASSED, path="test_m.py")
    later = replace(before, baseline=TestReport(results=(failing, third), exit_code=1))
    list(search.verify([returning("b + b")], later, budget))
    assert runner.runs == [(TARGET,), None]


def test_what_cannot_be_a_fix_never_runs(evidence: Callable[..., Evidence], budget: Budget):
    runner = Scripted(lambda text, name: False)
    tests = Splice(path="test_m.py", start=0, end=0, text="import os\n")
    cheat = Candidate(strategy="rewrite", splices=(tests,))
    outside = Candidate(strategy="x", splices=(Splice(path="m.py", start=90, end=91, text=""),))
    candidates = [
        cheat, outside, returning("a  # same"), returning("("), returning("b"), returning(" b"),
    ]  # fmt: skip
    verdicts = list(verifier(runner).verify(candidates, evidence(SOURCE, "f"), budget))
    assert [v.rejected.partition(":")[0] for v in verdicts] == [
        "edits the tests",
        "cannot be laid over the code",
        "same as the code",
        "does not parse",
        "",
        "seen already",
    ]
    assert len(runner.runs) == 1


def test_candidates_of_earlier_rounds_are_not_run_again(
    evidence: Callable[..., Evidence], budget: Budget
):
    runner = Scripted(lambda text, name: False)
    before = evidence(SOURCE, "f")
    first = tuple(verifier(runner).verify([returning("b")], before, budget))
    (again,) = verifier(runner).verify([returning("b")], replace(before, tried=first), budget)
    assert again.rejected == "seen already"


def test_the_budget_and_lost_patience_end_it(evidence: Callable[..., Evidence]):
    always = Scripted(lambda text, name: True)
    candidates = [returning(name) for name in "bcd"]
    plenty = Budget(deadline=1.0, clock=lambda: 0.0)
    before = evidence(SOURCE, "f")
    assert len(list(verifier(always, patience=2).verify(candidates, before, plenty))) == 3
    seconds = count()
    patient = SearchVerifier(
        always,
        (PythonLanguage(),),
        patience=1,
        patience_seconds=4.0,
        clock=lambda: float(next(seconds)),
    )
    many = [returning(name) for name in "bcdefghijk"]
    assert 2 < len(list(patient.verify(many, before, plenty))) < len(many)
    never = Scripted(lambda text, name: False)
    short = Budget(deadline=1.0, clock=lambda: 0.0, test_runs=2)
    assert len(list(verifier(never).verify(candidates, before, short))) == 2


def test_a_slow_suite_is_not_run_for_survivors(evidence: Callable[..., Evidence], budget: Budget):
    before = evidence(SOURCE, "f")
    failing, passing = before.baseline.results
    far = passing.model_copy(update={"id": "far/test_z.py::far", "path": "far/test_z.py"})
    for seconds, slow in ((1.0, False), (60.0, True)):
        results = (failing, passing, far)
        report = before.baseline.model_copy(update={"results": results, "seconds": seconds})
        runner = Scripted(lambda text, name: name != far.id)
        (verdict,) = verifier(runner).verify(
            [returning("b")], replace(before, baseline=report), budget
        )
        assert (verdict.survives, verdict.whole_suite) == (slow, not slow)
        assert runner.runs == [(TARGET,), (OTHER,) if slow else None]


def test_what_an_earlier_round_tried_is_not_run_again_for_the_same_tests(
    evidence: Callable[..., Evidence], budget: Budget
):
    runner = Scripted(lambda text, name: name == OTHER)
    judge = verifier(runner)
    before = evidence(SOURCE, "f")
    (once,) = judge.verify([returning("c")], before, budget)
    again, other = judge.verify([returning("c"), returning("d")], before, budget)
    assert (once.rejected, again.rejected, other.rejected) == ("", "seen already", "")
    elsewhere = before.failing[0].model_copy(update={"id": OTHER})
    (for_others,) = judge.verify([returning("c")], replace(before, failing=(elsewhere,)), budget)
    assert for_others.rejected == "", "positive control"
