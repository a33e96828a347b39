from __future__ import annotations

import pytest

from agent.repair.splices import after, splices

SOURCE = "  x = 1\n  z = 3\n"
NESTED = "for x in y:\n    a\n    b\n\nc\n"


@pytest.mark.parametrize(
    ("at", "text", "results"),
    [
        ("x = 1", "y = 2", {"  y = 2\n  z = 3\n", "  y = 2\n", "  y = 2\n  x = 1\n  z = 3\n"}),
        ("1", "2", {"  x = 2\n  z = 3\n", "  x = 2\n"}),
        ("x = 1", "if y:", {"  if y:\n      x = 1\n  z = 3\n"}),
        ("3", "4", {"  x = 1\n  z = 4\n"}),
        (
            "x = 1",
            "if y:\n    w",
            {"  if y:\n    w\n  x = 1\n  z = 3\n", "  if y:\n    w\n  z = 3\n"},
        ),
        ("1", "f(\n    2,\n  )", {"  x = f(\n    2,\n  )\n  z = 3\n"}),
    ],
)
def test_ways_to_lay_a_branch_in(at: str, text: str, results: set[str]):
    found = {edit.apply(SOURCE) for edit in splices(SOURCE, SOURCE.index(at), text)}
    assert results <= found


@pytest.mark.parametrize(
    ("text", "operator", "result"),
    [
        ("if d:", "block around", "if d:\n    for x in y:\n        a\n        b\n\nc\n"),
        ("if d:\n    e", "block before", "if d:\n    e\n" + NESTED),
        ("if d:\n    e", "block for line", "if d:\n    e\n    a\n    b\n\nc\n"),
        ("if d:\n    e", "block for block", "if d:\n    e\n\nc\n"),
    ],
)
def test_a_block_takes_the_old_one_along_or_its_place(text: str, operator: str, result: str):
    [edit] = [edit for edit in splices(NESTED, 0, text) if edit.operator == operator]
    assert edit.apply(NESTED) == result


def test_a_way_back_is_laid_in_as_it_is():
    end = SOURCE.index("z = 3")
    [edit] = splices(SOURCE, SOURCE.index("x = 1"), "w\n  v\n  ", end)
    assert (edit.apply(SOURCE), edit.operator) == ("  w\n  v\n  z = 3\n", "lines replaced")
    [edit] = splices(SOURCE, 1, " w\n  v\n  ", 2)
    assert (edit.apply(SOURCE), edit.operator) == ("  w\n  v\n" + SOURCE, "lines before")


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_stay_what_they_are(end: str):
    source = SOURCE.replace("\n", end)
    found = [edit.apply(source) for edit in splices(source, 2, "if y:\n    w")]
    found += [edit.apply(source) for edit in splices(source, 2, "w\n  ", source.index("z"))]
    found += [edit.apply(source) for edit in after(source, 3, "if y:\n    w")]
    assert len(found) >= 4
    for text in found:
        assert text.count("\n") == text.count(end)


def test_lines_go_behind_the_last_line_of_a_file():
    [edit] = after("x = 1", 3, "y = 2\n")
    assert edit.apply("x = 1") == "x = 1\ny = 2"
    assert not list(after("x = 1", 3, " \n"))
