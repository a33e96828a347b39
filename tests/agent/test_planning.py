"""Failing tests become items: grouped by cause, checked against the tree, numbered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from agent import planning
from agent.repair.budget import Budget
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Suspect
from agent.state import GivenUp, Kind, PlanItem, Status
from tools.report import Outcome, TestReport, TestResult


def suspects(scores: Mapping[str, float]) -> tuple[Suspect, ...]:
    """One function for each name, in a file of that name."""
    return tuple(
        Suspect(path=f"{name}.py", name=name, first_line=1, last_line=2, score=score)
        for name, score in scores.items()
    )


class FirstLetter:
    """Suspects `<first letter of the only failing test>.py`, as a real one would by coverage."""

    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        names = {result.id.split("::")[1][5] for result in baseline.failing}
        return suspects({n: 1.0 for n in sorted(names) if (root / f"{n}.py").exists()})


def failing(name: str, **changes: object) -> TestResult:
    values: dict[str, object] = {
        "id": f"test_x.py::{name}",
        "outcome": Outcome.FAILED,
        "message": "AssertionError: 1 != 2",
        "path": "test_x.py",
    }
    return TestResult.model_validate(values | changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text("def f():\n    return 1\n")
    (tmp_path / "test_x.py").write_text("def test_a(): pass\n")
    return tmp_path


def items(root: Path, *tests: TestResult) -> list[PlanItem]:
    report = TestReport(results=tests)
    return planning.bug_items(root, report, tests, FirstLetter(), PythonLanguage())


def test_tests_that_lead_to_one_function_are_one_item(root: Path) -> None:
    found = items(root, failing("test_a_one"), failing("test_b"), failing("test_a_two"))
    assert [(item.path, len(item.targets)) for item in found] == [("a.py", 2), ("b.py", 1)]
    assert all(item.kind is Kind.BUG and item.status is Status.OPEN for item in found)


def test_a_test_file_that_does_not_parse_is_reported_and_not_searched(root: Path) -> None:
    (root / "test_x.py").write_text("def test_a(:\n")
    broken = failing("test_a", id="test_x.py", outcome=Outcome.ERROR, message="SyntaxError")
    (found,) = items(root, broken)
    assert found.status is Status.REPORTED
    assert found.path == "test_x.py"


def test_an_error_in_a_sound_test_file_is_searched(root: Path) -> None:
    (found,) = items(root, failing("test_a", outcome=Outcome.ERROR, message="ImportError"))
    assert found.status is Status.OPEN


@pytest.mark.parametrize(
    ("path", "line", "kept"),
    [("a.py", 1, True), ("gone.py", 1, False), ("a.py", 99, False), ("", 1, False)],
)
def test_items_that_name_nothing_real_are_dropped_with_a_reason(
    root: Path, path: str, line: int, kept: bool
) -> None:
    item = PlanItem(number=0, kind=Kind.BUG, title="t", path=path, first_line=line, last_line=line)
    good, dropped = planning.existing([item], root)
    assert bool(good) is kept
    assert bool(dropped) is not kept


def test_next_open_passes_over_what_is_done() -> None:
    item = PlanItem(number=1, kind=Kind.BUG, title="t", path="a", first_line=1, last_line=1)
    done = item.model_copy(update={"status": Status.FIXED})
    assert planning.next_open([done, item, done], 0) == 1
    assert planning.next_open([done, item, done], 2) == 3


class Shared:
    """Alone, each test leads to its own function; together, to the one that all of them run."""

    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        names = {result.id.split("::")[1][5] for result in baseline.failing}
        name = "a" if len(baseline.failing) > 1 else names.pop()
        return suspects({name: 1.0})


@pytest.mark.parametrize(("lines", "groups"), [({"a.py": (2,)}, 1), ({"b.py": (2,)}, 2)])
def test_groups_are_joined_when_all_their_tests_run_the_shared_suspect(
    root: Path, lines: dict[str, tuple[int, ...]], groups: int
) -> None:
    tests = (failing("test_a", lines={"a.py": (2,)}), failing("test_b", lines=lines))
    report = TestReport(results=tests)
    found = planning.bug_items(root, report, tests, Shared(), PythonLanguage())
    assert len(found) == groups


@pytest.mark.parametrize(("own", "line", "groups"), [(0.5, 1.0, 1), (0.8, 1.0, 2), (0.8, 0.9, 1)])
def test_a_group_that_another_function_explains_better_stays_by_itself(
    root: Path, own: float, line: float, groups: int
) -> None:
    class Scored(FirstLetter):
        def localize(
            self, root: Path, baseline: TestReport, *, by_name: bool = True
        ) -> tuple[Suspect, ...]:
            if [test.id for test in baseline.failing] == ["test_x.py::test_b"]:
                first, second = suspects({"b": own, "a": 0.4})
                return first.model_copy(update={"lines": {1: line}}), second
            return tuple(one.model_copy(update={"lines": {1: 0.9}}) for one in suspects({"a": 0.6}))

    lines = {"a.py": (2,)}
    first = failing("test_a", lines=lines, path="test_y.py")
    tests = (first, failing("test_b", lines=lines))
    found = planning.bug_items(root, TestReport(results=tests), tests, Scored(), PythonLanguage())
    assert len(found) == groups


@pytest.mark.parametrize(
    ("message", "alone", "groups"),
    [
        ("AssertionError: 3 != 4", "b", 1),
        ("ValueError: no such thing", "b", 2),
        ("ValueError: no such thing", "ab", 1),
    ],
)
def test_tests_that_fail_in_another_way_must_lead_there_by_themselves(
    root: Path, message: str, alone: str, groups: int
) -> None:
    class Own(FirstLetter):
        def localize(
            self, root: Path, baseline: TestReport, *, by_name: bool = True
        ) -> tuple[Suspect, ...]:
            only_b = [test.id for test in baseline.failing] == ["test_x.py::test_b"]
            names = alone if only_b else "a"
            return suspects(dict.fromkeys(sorted(names, reverse=True), 0.6))

    lines = {"a.py": (2,)}
    tests = (failing("test_a", lines=lines), failing("test_b", lines=lines, message=message))
    found = planning.bug_items(root, TestReport(results=tests), tests, Own(), PythonLanguage())
    assert len(found) == groups


class Beside:
    """Each test leads to its own function first and to a shared one behind it, all together to that
    one."""

    def __init__(self) -> None:
        self.asked_by_name: list[bool] = []

    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        self.asked_by_name.append(by_name)
        own = [result.id.split("::")[1][5] for result in baseline.failing]
        names = ["shared"] if len(own) > 1 else [*own, "shared"]
        return suspects(dict(zip(names, (1.0, 0.7), strict=False)))


@pytest.mark.parametrize(
    ("path", "message", "groups"),
    [
        ("test_x.py", "AssertionError: 3 != 4", 1),
        ("test_y.py", "AssertionError: 3 != 4", 2),
        ("test_x.py", "ValueError: no such thing", 2),
    ],
)
def test_tests_of_one_file_that_fail_alike_are_joined_behind_their_first_suspects(
    root: Path, path: str, message: str, groups: int
) -> None:
    lines = {"shared.py": (2,)}
    other = failing("test_b", lines=lines, message=message, path=path, id=f"{path}::test_b")
    tests = (failing("test_a", lines=lines), other)
    localizer = Beside()
    report = TestReport(results=tests)
    found = planning.bug_items(root, report, tests, localizer, PythonLanguage())
    assert len(found) == groups
    assert localizer.asked_by_name[-groups:] == [True] * groups
    assert not any(localizer.asked_by_name[:-groups]), "names of tests do not tell faults apart"


def test_examples_in_documentation_come_behind_tests(root: Path) -> None:
    tests = (failing("test_b", message="doctest.DocTestFailure: <DocTest b>"), failing("test_a"))
    report = TestReport(results=tests)
    found = planning.bug_items(root, report, tests, Scored(), PythonLanguage())
    assert [item.path for item in found] == ["a.py", "b.py"]


class Scored(FirstLetter):
    """`a` is suspected less than any other."""

    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        found = super().localize(root, baseline)
        return tuple(s.model_copy(update={"score": 0.4 if s.name == "a" else 0.9}) for s in found)


MISSING = "ModuleNotFoundError: No module named 'black'"


def test_the_surest_comes_first_and_what_looks_like_the_machine_last(root: Path) -> None:
    tests = (
        *[failing(f"test_b_{n}", message=MISSING, id=f"test_x.py::test_b{n}") for n in range(5)],
        *[failing(f"test_a{n}") for n in range(3)],
        failing("test_b"),
    )
    report = TestReport(results=tests)
    found = planning.bug_items(root, report, tests, Scored(), PythonLanguage())
    assert [(item.path, len(item.targets), bool(item.doubt)) for item in found] == [
        ("b.py", 1, False),
        ("a.py", 3, False),
        ("b.py", 5, True),
    ]
    assert found[2].evidence[0] == (
        "looks like the environment: the module `black` is not installed"
    )
    assert not any(text.startswith("looks like") for text in found[0].evidence)


def test_what_was_stopped_comes_behind_what_failed(root: Path) -> None:
    tests = (failing("test_b", message="TestTimeout: still running"), failing("test_a"))
    report = TestReport(results=tests)
    found = planning.bug_items(root, report, tests, Scored(), PythonLanguage())
    assert [item.path for item in found] == ["a.py", "b.py"]
    both = [test.model_copy(update={"message": "AssertionError"}) for test in tests]
    sound = planning.bug_items(root, report, both, Scored(), PythonLanguage())
    assert [item.path for item in sound] == ["b.py", "a.py"]


def bug(doubt: str = "", status: Status = Status.OPEN) -> PlanItem:
    return PlanItem(
        number=1,
        kind=Kind.BUG,
        title="t",
        path="a",
        first_line=1,
        last_line=1,
        targets=("t",),
        suspects=(Suspect(path="a", name="f", first_line=1, last_line=1, score=1.0),),
        doubt=doubt,
        status=status,
    )


@pytest.mark.parametrize(
    ("items", "reserve", "until"),
    [
        ([bug()], 0.0, 100.0),
        ([bug()], 40.0, 60.0),
        ([bug(), bug()], 0.0, 50.0),
        ([bug(), bug(status=Status.FIXED)], 0.0, 100.0),
        ([bug(), bug("no network")], 0.0, 80.0),
        ([bug("no network")], 0.0, 10.0),
        ([bug("no network"), bug(), bug(), bug(), bug()], 0.0, 25.0 / 4.25),
        ([bug(), bug("no network"), bug("no module a"), bug("no module b")], 0.0, 80.0),
        ([bug("no network"), bug("no module a"), bug(), bug()], 0.0, 12.5 / 2.25),
        ([], 0.0, 100.0),
    ],
)
def test_time_is_shared_and_a_doubtful_bug_gets_little(
    items: list[PlanItem], reserve: float, until: float
) -> None:
    budget = Budget(deadline=100.0, clock=lambda: 0.0)
    assert planning.share(budget, items, 0, reserve) == pytest.approx(until)


def given_up(*, by_time: bool, turn: int = 1, doubt: str = "") -> PlanItem:
    ended = GivenUp(round=3, by_time=by_time, accepted=1)
    return bug(doubt, Status.FAILED).model_copy(update={"given_up": ended, "turn": turn})


@pytest.mark.parametrize(
    ("item", "accepted", "again", "first"),
    [
        (given_up(by_time=True), 1, True, 3),
        (given_up(by_time=False), 1, False, 3),
        (given_up(by_time=False), 2, True, 0),
        (given_up(by_time=True, turn=2), 2, False, 0),
        (given_up(by_time=True, doubt="no network"), 2, False, 0),
        (bug(status=Status.FIXED), 2, False, 0),
    ],
)
def test_time_that_is_left_goes_to_what_was_given_up(
    item: PlanItem, accepted: int, again: bool, first: int
) -> None:
    budget = Budget(deadline=100.0, clock=lambda: 0.0)
    (found,) = planning.reopened([item], accepted, budget)
    assert (found.status is Status.OPEN) is again
    assert found.turn == item.turn + again
    assert planning.first_round([item], accepted) == first
    assert planning.reopened([item], accepted, budget, reserve=90.0) == [item]
