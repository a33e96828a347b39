"""A JSON line becomes a repository that tells neither the answer nor the hidden asserts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.bench.case import Unsound
from agent.bench.humaneval import HIDDEN, VISIBLE, HumanEvalCase, Line, load
from agent.bench.trees import TreeTests
from agent.errors import Unusable

Make = Callable[..., HumanEvalCase]


def make(asserts: list[str], buggy: str = "    return a if a < b else b\n") -> HumanEvalCase:
    lines = "".join(f"    {line}\n" for line in asserts)
    return HumanEvalCase(
        Line(
            task_id="T/1",
            declaration="def larger(a, b):\n",
            canonical_solution="    return max(a, b)\n",
            buggy_solution=buggy,
            entry_point="larger",
            test=f"def check(larger):\n{lines}\ncheck(larger)\n",
            bug_type="operator misuse",
        )
    )


def test_every_second_assert_is_hidden(tmp_path: Path, tree_tests: TreeTests) -> None:
    root = tmp_path / "repo"
    case = make([f"assert larger({n}, 0) == {n}" for n in range(11, 16)])
    built = case.build(root, tree_tests)
    told = "".join(path.read_text() for path in root.iterdir())
    hidden = built.hidden[HIDDEN].decode()
    assert sorted(path.name for path in root.iterdir()) == ["solution.py", VISIBLE]
    assert [f"({n}, 0)" in told for n in range(11, 16)] == [True, False, True, False, True]
    assert [f"({n}, 0)" in hidden for n in range(11, 16)] == [False, True, False, True, False]
    assert "max" not in told
    assert case.kinds == ("operator misuse",)


def test_an_assert_that_fails_is_visible_where_no_other_does(
    tmp_path: Path, tree_tests: TreeTests
) -> None:
    same = [f"assert larger({n}, {n}) == {n}" for n in (1, 2, 3)]
    built = make([same[0], "assert larger(8, 9) == 9", same[1], "assert larger(6, 7) == 7"]).build(
        tmp_path / "repo", tree_tests
    )
    visible = (tmp_path / "repo" / VISIBLE).read_text()
    assert "larger(8, 9)" in visible
    assert "larger(6, 7)" not in visible
    assert b"larger(6, 7)" in built.hidden[HIDDEN]


def test_a_single_assert_hides_nothing_and_says_so(tmp_path: Path, tree_tests: TreeTests) -> None:
    built = make(["assert larger(1, 2) == 2"]).build(tmp_path / "repo", tree_tests)
    assert built.hidden == {}
    assert "cannot be split" in built.note


@pytest.mark.parametrize(
    ("asserts", "buggy", "word"),
    [
        (["assert larger(1, 2) == 1"], "    return a\n", "right solution"),
        (["assert larger(1, 2) == 2"], "    return b\n", "passes every assert"),
        (["larger(1, 2)"], "    return a\n", "asserts nothing"),
    ],
)
def test_a_wrong_task_is_refused(
    asserts: list[str], buggy: str, word: str, tmp_path: Path, tree_tests: TreeTests
) -> None:
    with pytest.raises(Unsound, match=word):
        make(asserts, buggy).build(tmp_path / "repo", tree_tests)


def test_code_that_hangs_or_does_not_parse_is_a_bug_too(
    tmp_path: Path, tree_tests: TreeTests
) -> None:
    for number, buggy in enumerate(("    while True: pass\n", "    return (\n")):
        root = tmp_path / str(number)
        make(["assert larger(1, 2) == 2", "assert larger(2, 1) == 2"], buggy).build(
            root, tree_tests
        )
        assert (root / "solution.py").read_text().endswith(buggy)


def test_lines_are_read_and_a_bad_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    good = make(["assert larger(1, 2) == 2"]).line.model_dump_json()
    file.write_text(f"{good}\n\n")
    assert [case.id for case in load(file)] == ["T/1"]
    file.write_text(f"{good}\n{json.dumps({'task_id': 'T/2'})}\n")
    with pytest.raises(Unusable, match=r"Line 2 .*declaration"):
        load(file)
