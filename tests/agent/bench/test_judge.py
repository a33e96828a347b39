"""Named tests decide; others only when they got worse, and not when time or luck did it."""

from pathlib import Path

import pytest

from agent.bench import judge as judging
from agent.bench.case import Built
from agent.bench.judge import CouldNotRun, Selected, judge, judge_survivors, select
from agent.bench.trees import TreeTests
from agent.bench.tried import Story
from agent.repair.seams import Splice
from tools.report import Outcome, TestReport, TestResult

P, F = Outcome.PASSED, Outcome.FAILED
CODE = "def double(x):\n    return x\n\n\ndef half(x):\n    return x / 2\n"
TESTS = """import os
from calc import double, half


def test_double():
    assert double(2) == 4


def test_half():
    assert half(2) == 1


def test_known():
    assert half(2) == 7


def test_once():
    assert not os.path.exists("mark")
"""
BUILT = Built({}, targets=("test_calc.py::test_double",))
GOOD = ("test_calc.py::test_half", "test_calc.py::test_once")
MENDED = CODE.replace("return x\n", "return 2 * x\n")


def tree(root: Path, code: str) -> Path:
    root.mkdir()
    (root / "calc.py").write_text(code)
    (root / "test_calc.py").write_text(TESTS)
    return root


def story(
    *results: tuple[str, Outcome, float], seconds: float, confirmed: tuple[str, ...]
) -> Story:
    told = tuple(
        TestResult(id=name, path=name.partition("::")[0], outcome=outcome, seconds=took)
        for name, outcome, took in results
    )
    return Story(TestReport(results=told, seconds=seconds), (), (), (), confirmed, False, 0, 0)


def test_the_mend_is_judged_and_known_failures_are_not(
    tmp_path: Path, tree_tests: TreeTests
) -> None:
    before, now = tree(tmp_path / "a", CODE), tree(tmp_path / "b", MENDED)
    selected = Selected(None, GOOD, 0)
    found = judge(tree_tests, BUILT, selected, before, now)
    assert (found.passed, found.total, found.worse, found.mended) == (1, 1, (), True)
    assert judge(tree_tests, BUILT, selected, before, before).passed == 0


def test_what_got_worse_is_named(tmp_path: Path, tree_tests: TreeTests) -> None:
    before = tree(tmp_path / "a", CODE)
    now = tree(tmp_path / "b", MENDED.replace("x / 2", "x // 3"))
    found = judge(tree_tests, BUILT, Selected(None, GOOD, 0), before, now)
    assert (found.passed, found.worse, found.mended) == (1, GOOD[:1], False)


def test_what_fails_in_the_unedited_tree_too_did_not_get_worse(
    tmp_path: Path, tree_tests: TreeTests
) -> None:
    before, now = tree(tmp_path / "a", CODE), tree(tmp_path / "b", MENDED)
    for root in (before, now):
        (root / "mark").write_text("")
    assert judge(tree_tests, BUILT, Selected(None, GOOD, 0), before, now).mended


def test_survivors_are_judged_while_there_is_time(
    tmp_path: Path, tree_tests: TreeTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(tmp_path / "a", CODE)
    start = CODE.index("return x\n") + len("return ")
    edits = [[Splice(path="calc.py", start=start, end=start + 1, text=t)] for t in ("x", "x + 2")]
    selected = Selected(None, GOOD, 0)
    assert judge_survivors(tree_tests, BUILT, selected, root, edits) == [False, True]
    monkeypatch.setattr(judging, "SURVIVORS_SECONDS", -1.0)
    assert judge_survivors(tree_tests, BUILT, selected, root, edits) == [False]


def test_a_quick_suite_is_run_whole_and_a_long_one_in_part() -> None:
    results = (
        ("test_calc.py::test_double", F, 1.0),
        ("test_calc.py::test_half", P, 90.0),
        ("test_a.py::test_1", P, 50.0),
        ("test_a.py::test_2", P, 50.0),
        ("test_b.py::test_3", P, 1.0),
    )
    ran = tuple(name for name, _, _ in results)
    quick = select(BUILT, story(*results, seconds=9.0, confirmed=ran))
    assert (quick.ids, len(quick.passing), quick.note) == (None, 4, "")
    long = select(BUILT, story(*results, seconds=999.0, confirmed=ran))
    assert long.ids == ran[:3]
    assert long.passing == ran[1:3]
    assert "2 tests" in long.note
    unconfirmed = select(BUILT, story(*results, seconds=999.0, confirmed=()))
    assert unconfirmed.ids == ran[:2]


def test_a_named_test_must_have_failed() -> None:
    name = BUILT.targets[0]
    with pytest.raises(CouldNotRun, match="passed before"):
        select(BUILT, story((name, P, 0.0), seconds=1.0, confirmed=()))
    with pytest.raises(CouldNotRun, match="did not run"):
        select(BUILT, story(seconds=1.0, confirmed=()))
    assert select(BUILT, story((name, F, 0.0), seconds=1.0, confirmed=())).passing == ()
