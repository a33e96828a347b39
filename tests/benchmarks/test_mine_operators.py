"""Fixes are found in a history, and what operators make of them is counted."""

import ast
import subprocess
from pathlib import Path

import numpy as np
import pytest

from agent.repair.python.operators import OPERATORS
from agent.repair.python.operators.registry import YIELD, calibrated
from benchmarks.fix_pairs import fix_pairs
from benchmarks.mine_operators import Counts, Trial, report, table, trial

FUTURE = "2090-01-01"
"""Git knows no dates behind 2099."""
BEFORE = (
    '"""Doc."""\n\n\ndef f(a, b):\n    """Doc."""\n    return a < b\n\n\ndef g(a):\n    return a\n'
)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "owner+name" / "repo"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str, *, test: str = "", **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    if test:
        (folder / "test_m.py").write_text(test)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def found(folder: Path, until: str = FUTURE, *excluded: str) -> list[tuple[str, str]]:
    return [(p.name, p.after) for p in fix_pairs(folder, until, frozenset(excluded))]


def test_a_small_fix_of_one_function_is_a_pair(mirror: Path):
    commit(mirror, "Start", m=BEFORE)
    fix = commit(mirror, "Fix the limit", m=BEFORE.replace("<", "<="), test="x = 1\n")
    assert found(mirror) == [("f", "def f(a, b):\n    return a <= b")]
    assert found(mirror, FUTURE, fix) == []
    assert found(mirror, "2000-01-01") == []


@pytest.mark.parametrize(
    ("message", "after"),
    [
        ("Make it nicer", BEFORE.replace("<", "<=")),
        ("Fix typo", BEFORE.replace("<", "<=")),
        ("Fix docs", BEFORE.replace("Doc", "More")),
        ("Fix a comment", BEFORE.replace("a < b", "a < b  # why")),
        ("Fix two functions", BEFORE.replace("<", "<=").replace("return a\n", "return -a\n")),
        ("Fix the module too", BEFORE.replace("<", "<=") + "X = 1\n"),
        ("Fix much", BEFORE.replace("return a < b", "x = 1\n    y = 2\n    z = 3\n    return x")),
    ],
)
def test_other_changes_are_not(mirror: Path, message: str, after: str):
    commit(mirror, "Start", m=BEFORE, other=BEFORE)
    commit(mirror, message, m=after)
    assert found(mirror) == []
    commit(mirror, "Fix the limit", other=BEFORE.replace("<", "<="))
    assert len(found(mirror)) == 1


def test_tests_are_no_source(mirror: Path):
    commit(mirror, "Start", test_m=BEFORE)
    commit(mirror, "Fix the test", test_m=BEFORE.replace("<", "<="))
    assert found(mirror) == []
    commit(mirror, "Start the source", m=BEFORE)
    commit(mirror, "Fix the source", m=BEFORE.replace("<", "<="))
    assert len(found(mirror)) == 1


def trials(mirror: Path) -> list[Trial]:
    commit(mirror, "Start", m=BEFORE)
    commit(mirror, "Fix the limit", m=BEFORE.replace("<", "<="))
    commit(mirror, "Fix it otherwise", m=BEFORE.replace("a < b", "what(a)[b:].ever"))
    found = [trial(pair) for pair in fix_pairs(mirror, FUTURE, frozenset())]
    return [one for one in found if one is not None]


def test_the_operator_that_makes_the_fix_is_counted(mirror: Path):
    made = trials(mirror)
    assert [one.right is not None for one in made] == [False, True]
    counts = {name: (hits, seen) for name, hits, seen, _ in Counts.of(made).rows()}
    assert counts["swap-comparison"][0] == 1
    assert counts["wrong-name"][0] == 0
    assert counts["wrong-name"][1] > 0


def test_the_rank_follows_the_priors(mirror: Path):
    made = trials(mirror)[1]
    chosen = np.array([op.name == "swap-comparison" for op in OPERATORS])
    first, last = made.rank(np.where(chosen, 1000.0, 1.0)), made.rank(np.where(chosen, 0.001, 1.0))
    assert first is not None
    assert last is not None
    assert first <= 2 < last


def test_the_table_can_be_read_and_the_report_tells_shares(mirror: Path):
    made = trials(mirror)
    namespace: dict[str, dict[str, tuple[int, int, float]]] = {}
    exec(compile(ast.parse(table(made, "2024-12-01")), "mined", "exec"), namespace)
    assert namespace["MINED"]["swap-comparison"][0] == 1
    assert "2 fixes, 50.0% made by an operator" in report(made)


def test_counts_outweigh_the_guess_as_they_grow():
    assert calibrated(2.0, 0, 0.0) == pytest.approx(2.0)
    rare = [calibrated(2.0, 0, exposure) for exposure in (100.0, 10_000.0, 1_000_000.0)]
    assert rare == sorted(rare, reverse=True)
    assert calibrated(2.0, 500, 100_000.0) == pytest.approx(500 / 100_000.0 / YIELD, rel=0.05)
