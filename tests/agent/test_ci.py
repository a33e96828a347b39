"""What GitHub Actions is told: nothing in a report can become a command of its own."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from reports import item, report

from agent import ci

OLD = "".join(f"line {n}\n" for n in range(1, 31))
NEW = OLD.replace("line 3\nline 4\n", "line 3\n").replace("line 20\n", "line 20\nmore\n")
PATCH = "".join(
    difflib.unified_diff(OLD.splitlines(True), NEW.splitlines(True), "a/a.py", "b/a.py")
)


def lines(folder: str = "", **changes: Any) -> list[str]:
    return list(ci.commands(report(item(**changes)), folder))


def test_each_changed_place_gets_a_notice_at_its_lines_in_the_checkout() -> None:
    first, second = lines("pkg", patch=PATCH)
    assert first.startswith("::notice file=pkg/a.py,line=4,endLine=4,title=locum%3A Mended::")
    assert second.startswith("::notice file=pkg/a.py,line=21,endLine=21,")


def test_replaced_lines_are_those_that_were_replaced() -> None:
    new = OLD.replace("line 3\nline 4\n", "three\nfour\nfive\n")
    rows = difflib.unified_diff(OLD.splitlines(True), new.splitlines(True), "a/a.py", "b/a.py")
    (told,) = lines(patch="".join(rows))
    assert told.startswith("::notice file=a.py,line=3,endLine=4,")


def test_what_is_not_mended_is_told_by_its_kind() -> None:
    (bug,) = lines(status="not fixed", first_line=4, last_line=9)
    assert bug.startswith("::error file=calc.py,line=4,endLine=9,title=locum%3A Bug not fixed::")
    (style,) = lines(status="reported", kind="style")
    assert style.startswith("::warning ")
    assert lines(status="mended with another item") == []


@pytest.mark.parametrize(
    "text", ["a\n::error::forged", "a\r\n::set-output name=x::y", "100%0A::error::x", "\x1b[31m"]
)
def test_text_cannot_begin_a_command(text: str) -> None:
    for line in lines(status="not fixed", title=text, path=f"a,title=x:{text}.py"):
        assert "\n" not in line
        assert "\r" not in line
        assert "\x1b" not in line
        assert "%0A::" not in line.replace("%250A", "")
        assert line.count(",title=") == 1


def test_outputs_are_one_line_each_and_cannot_be_forged() -> None:
    found = ci.outputs(report(item(), headline="x\nfixed=true", branch="b", commit="c"))
    assert found["fixed"] == "true"
    assert found["headline"] == "x fixed=true"
    text = ci.environment_file({"patch": "a\nend_\nfixed=false"})
    name, _, end = text.split("\n")[0].partition("<<")
    assert name == "patch"
    assert text.split("\n").index(end, 1) == 4


def test_nothing_ran_is_not_fixed() -> None:
    none = {"passed": 0, "total": 0, "failing": ()}
    assert ci.outputs(report(after=none))["fixed"] == "false"
