"""Each way to miss a mend has its name."""

from pathlib import Path

import pytest

from agent.bench.case import Built
from agent.bench.misses import Course
from agent.bench.reference import Reference
from agent.bench.results import Grade, Miss
from agent.bench.tried import Story
from agent.repair.seams import Candidate, Splice, Suspect, Verdict
from agent.state import Kind, PlanItem
from tools.report import Outcome, TestReport, TestResult

SOURCE = "def right():\n    return 1\n\n\ndef wrong():\n    return 2\n"
TARGET = "test_m.py::test_it"
BUILT = Built({}, targets=(TARGET,), reference=Reference("m.py", ("wrong",)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "m.py").write_text(SOURCE)
    return tmp_path


def verdict(number: str, passed: int = 0, *, rejected: str = "") -> Verdict:
    start = SOURCE.index(number)
    splice = Splice(path="m.py", start=start, end=start + 1, text="3")
    return Verdict(
        candidate=Candidate(strategy="s", splices=(splice,)),
        target_passed=passed,
        target_total=1,
        regressions=("test_m.py::test_other",) if passed else (),
        rejected=rejected,
    )


def item(number: int, target: str, *suspects: str) -> PlanItem:
    return PlanItem(
        number=number,
        kind=Kind.BUG,
        title="t",
        path="m.py",
        first_line=1,
        last_line=2,
        targets=(target,),
        suspects=tuple(
            Suspect(path="m.py", name=name, first_line=1, last_line=2, score=1) for name in suspects
        ),
    )


def story(
    *tried: Verdict, suspects: str = "right wrong", plan: float = 1, refused: bool = False
) -> Story:
    failing = tuple(
        TestResult(id=name, outcome=Outcome.FAILED, path="test_m.py") for name in (TARGET, "x::y")
    )
    return Story(
        baseline=TestReport(results=failing),
        items=(item(1, "x::y", "wrong"), item(2, TARGET, *suspects.split())),
        tried=((1, verdict("2", 1)), *((2, one) for one in tried)),
        accepted=(),
        confirmed=(),
        refused=refused,
        plan_seconds=plan,
        test_seconds=0,
    )


@pytest.mark.parametrize(
    ("told", "miss"),
    [
        (story(plan=60), Miss.PLAN_TOO_LONG),
        (story(suspects="right"), Miss.NOT_LOCALISED),
        (story(verdict("1"), suspects="right"), Miss.NOT_LOCALISED),
        (story(), Miss.NOT_TRIED),
        (story(verdict("1"), verdict("2", rejected="same")), Miss.NOT_TRIED),
        (story(verdict("1"), verdict("2")), Miss.NONE_PASSED),
        (story(verdict("2", 1)), Miss.REGRESSED),
        (story(verdict("2"), refused=True), Miss.REGRESSED),
    ],
)
def test_the_first_thing_that_went_wrong_is_named(root: Path, told: Story, miss: Miss) -> None:
    assert Course(BUILT, told, root).miss(Grade.NOT_FIXED, 60, worse=False) is miss


def test_the_grade_says_the_rest(root: Path) -> None:
    course = Course(BUILT, story(verdict("2")), root)
    assert course.miss(Grade.RIGHT, 60, worse=False) is None
    assert course.miss(Grade.OVERFITS, 60, worse=False) is Miss.OVERFITS
    assert course.miss(Grade.FAILED, 60, worse=False) is Miss.COULD_NOT_RUN
    assert course.miss(Grade.NOT_FIXED, 60, worse=True) is Miss.REGRESSED


def test_only_the_items_of_the_named_tests_count(root: Path) -> None:
    course = Course(BUILT, story(verdict("1"), verdict("2"), verdict("2")), root)
    assert (course.rank, course.tried_in_reference) == (2, 2)


def test_without_a_reference_it_is_not_asked_where(root: Path) -> None:
    bare = Built({})
    assert Course(bare, story(), root).miss(Grade.NOT_FIXED, 60, worse=False) is Miss.REGRESSED
    untried = Story(TestReport(), (item(1, TARGET),), (), (), (), False, 1, 0)
    course = Course(bare, untried, root)
    assert course.miss(Grade.NOT_FIXED, 60, worse=False) is Miss.NOT_TRIED
    assert (course.rank, course.tried_in_reference) == (None, 0)
