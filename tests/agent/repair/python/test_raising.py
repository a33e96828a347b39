"""Edits at lines that an error of a failing test came through."""

import ast

import pytest

from agent.repair.edit import Edit
from agent.repair.python.language import PythonLanguage
from agent.repair.python.operators import OPERATORS, raising, raising_expected
from agent.repair.python.templates import PythonTemplates
from agent.repair.seams import Suspect

UNPACK = "ValueError: not enough values to unpack (expected 1, got 0)"
NONE = "TypeError: 'NoneType' object is not iterable"
ZERO = "ZeroDivisionError: division by zero"
TYPE = "AttributeError: 'int' object has no attribute 'strip'"
BYTES = 'TypeError: can only concatenate str (not "bytes") to str'
NUMBER = 'TypeError: can only concatenate str (not "int") to str'
KEY = "KeyError: 'a'"
UNDEFINED = "NameError: name 'json' is not defined"

CASES = {
    "leave": (
        UNPACK,
        "last, = items\nreturn last",
        0,
        "if not items:\n    return None\nlast, = items\nreturn last",
    ),
    "skip": (
        KEY,
        "for item in items:\n    a.add(b[item])\nreturn a",
        1,
        "for item in items:\n    if not b:\n        continue\n    a.add(b[item])\nreturn a",
    ),
    "none": (
        NONE,
        "for item in a.parts:\n    b.add(item)\nreturn b",
        0,
        "if a.parts is None:\n    return b\nfor item in a.parts:\n    b.add(item)\nreturn b",
    ),
    "type": (
        TYPE,
        "return a.strip()",
        0,
        "if isinstance(a, int):\n    return None\nreturn a.strip()",
    ),
    "value": (ZERO, "return a / b", 0, "return a / b if b else 0"),
    "only where": (KEY, "b.pop(a)\nreturn b", 0, "if a:\n    b.pop(a)\nreturn b"),
    "raise as elsewhere": (
        NONE,
        "if not b:\n    raise ValueError('no b')\nreturn list(a)",
        2,
        "if not b:\n    raise ValueError('no b')\n"
        "if a is None:\n    raise ValueError('no b')\nreturn list(a)",
    ),
    "bytes": (BYTES, "return a + b", 0, "return a + b.decode()"),
    "there and back": (BYTES, "a.write(f(b))", 0, "a.write(f(b.decode()).encode())"),
    "number": (NUMBER, "return a + b", 0, "return a + str(b)"),
    "catch": (
        KEY,
        "b.pop(a)\nreturn b",
        0,
        "try:\n    b.pop(a)\nexcept KeyError:\n    pass\nreturn b",
    ),
}


def edited(source: str, errors: dict[int, str]) -> list[str]:
    """Every text to which `f` is edited, normalised, the likeliest first."""
    return [plain(edit.apply(source)) for edit in edits(source, errors)]


def edits(source: str, errors: dict[int, str], expected: tuple[str, ...] = ()) -> list[Edit]:
    span = next(s for s in PythonLanguage().spans(source) if s.name == "f")
    suspect = Suspect(
        path="m.py",
        name="f",
        first_line=span.first_line,
        last_line=span.last_line,
        score=1.0,
        errors=errors,
        expected=expected,
    )
    return list(PythonTemplates().edits(source, suspect))


def test_every_operator_for_errors_is_tried_here():
    used = {edit.operator for error, body, behind, _ in CASES.values()
            for edit in edits(whole(body), {2 + behind: error})}  # fmt: skip
    used |= {edit.operator for edit in edits("def f(a):\n    json.loads(a)\n", {2: UNDEFINED})}
    assert {one.name for one in OPERATORS if one.body.__module__ == raising.__name__} <= used


def plain(source: str) -> str:
    return ast.unparse(ast.parse(source))


def whole(body: str) -> str:
    return "def f(a, b, items):\n" + "".join(f"    {line}\n" for line in body.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_what_an_error_says_is_mended_where_it_came_through(name: str):
    error, body, behind, mend = CASES[name]
    source = whole(body)
    found = edited(source, {2 + behind: error})
    assert plain(whole(mend)) in found
    assert len(found) > len(edited(source, {})), "positive control: the error adds edits"


def test_a_guard_is_among_the_first():
    source = whole("last, = items\nreturn last")
    mend = plain(whole("if not items:\n    return None\nlast, = items\nreturn last"))
    assert edited(source, {2: UNPACK}).index(mend) < 5


@pytest.mark.parametrize(
    "message", ["AssertionError: assert 1 == 2", "TestTimeout: still running after 3 seconds"]
)
def test_a_failed_assertion_and_a_stopped_test_are_no_such_errors(message: str):
    source = whole("last, = items\nreturn last")
    assert edited(source, {2: message}) == edited(source, {})


def test_a_module_that_is_used_and_not_imported():
    source = '"""What it does."""\nfrom __future__ import annotations\n\nimport re\n\n\n'
    source += "def f(a):\n    return json.loads(re.sub('x', '', a))\n"
    mend = plain(source.replace("import re\n", "import json\nimport re\n"))
    assert mend in edited(source, {8: UNDEFINED})
    assert mend not in edited(source, {8: "NameError: name 'other' is not defined"})


WANTED = {
    "argument": ("return a + b", "if a < 0:\n    raise ValueError('low')\nreturn a + b"),
    "instead": ("if a:\n    return b\nreturn None", "if a:\n    return b\nraise ValueError('low')"),
    "otherwise": (
        "if a:\n    b = 1\nelif items:\n    b = 2\nreturn b",
        "if a:\n    b = 1\nelif items:\n    b = 2\nelse:\n    raise ValueError('low')\nreturn b",
    ),
}


@pytest.mark.parametrize("name", WANTED)
def test_an_error_that_a_test_wants_is_raised(name: str):
    body, mend = WANTED[name]
    source = whole(body)
    found = edits(source, {}, ("ValueError('low')", "Unknown()"))
    assert plain(whole(mend)) in [plain(edit.apply(source)) for edit in found]
    assert not any("Unknown" in edit.text for edit in found), "the file does not know it"
    used = {edit.operator for edit in found} - {edit.operator for edit in edits(source, {})}
    known = {one.name for one in OPERATORS if one.body.__module__ == raising_expected.__name__}
    assert used
    assert used <= known


def test_another_error_than_the_wanted_one():
    source = whole("for item in a.parts:\n    b.add(item)\nreturn b")
    mend = whole(
        "if a.parts is None:\n    raise ValueError('no parts')\n"
        "for item in a.parts:\n    b.add(item)\nreturn b"
    )
    found = edits(source, {2: NONE}, ("ValueError('no parts')",))
    assert plain(mend) in [plain(edit.apply(source)) for edit in found]


def test_a_wanted_error_without_a_text_gets_one():
    source = whole("return a")
    texts = [edit.text for edit in edits(source, {}, ("KeyError()",))]
    assert any('raise KeyError("invalid b")' in text for text in texts)
