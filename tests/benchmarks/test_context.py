"""Cases for measuring the question are cut as the model would write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.repair.prompt import Shown, show
from agent.repair.python.language import PythonLanguage
from benchmarks.context import Row, changed, forced, patched, table

BROKEN = (
    "class A:\n    def f(self, a):\n        if a:\n            a = 1\n        return a\n\n\nX = 1\n"
)


def shown(fixed: str) -> tuple[Shown, str]:
    ((suspect, right),) = changed("m.py", BROKEN, fixed)
    assert suspect.name == "A.f"
    found = show(BROKEN, suspect, PythonLanguage())
    assert found is not None
    return found, right


@pytest.mark.parametrize(
    ("old", "new", "target"),
    [
        ("return a", "return ab", " ab"),
        (
            "            a = 1\n",
            "            a = 12\n            b = 3\n",
            " 12\n            b = 3",
        ),
        ("        return a", "        b = 1\n        return a", "        b = 1"),
    ],
)
def test_the_fix_is_scored_from_its_first_word_to_its_last_line(old: str, new: str, target: str):
    fixed = BROKEN.replace(old, new)
    code, right = shown(fixed)
    written = forced(code, right)
    assert written is not None
    assert written[1] == target
    assert fixed.startswith(written[0] + written[1])


def test_a_fix_that_takes_the_end_away_is_not_scored():
    code, right = shown(BROKEN.replace("        return a\n", ""))
    assert forced(code, right) is None


def test_what_did_not_change_or_is_gone_is_no_case():
    assert list(changed("m.py", BROKEN, BROKEN.replace("X = 1", "X = 2"))) == []
    assert list(changed("m.py", BROKEN, "X = 1\n")) == []


def test_a_patch_is_read_and_taken_back(tmp_path: Path):
    (tmp_path / "m.py").write_text("a = 1\n")
    patch = tmp_path / "fix.patch"
    patch.write_text("--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n")
    assert patched(tmp_path, patch) == [("m.py", "a = 1\n", "a = 2\n")]
    assert (tmp_path / "m.py").read_text() == "a = 1\n"


def test_the_table_compares_each_case_with_its_own_whole_question():
    rows = [
        Row("x", "all", 100, -5.0),
        Row("y", "all", 200, -9.0),
        Row("x", "without test", 60, -7.0),
        Row("y", "without test", 180, -9.2),
    ]
    last = table(rows).splitlines()[-1].split()
    assert last == ["without", "test", "2", "-1.10", "-1.10", "1", "0", "-30"]
