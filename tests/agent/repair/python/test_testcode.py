"""A failing test as the model gets to read it."""

from __future__ import annotations

import pytest

from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Excerpt

TABLE = """import pytest

@pytest.mark.parametrize("a, b", [
    (1, "one"),
    (2, "two"),
    pytest.param(3, "x", id="three"),
])
@pytest.mark.parametrize("flag", (True, False), ids=["on", "off"])
def test_word(a, b, flag):
    assert word(a, flag) == b
"""


def read(source: str, test_id: str) -> str | None:
    found = PythonLanguage().test_code(source, test_id)
    return found.text if found else None


@pytest.mark.parametrize(
    ("case", "kept", "gone"),
    [
        ("on-2-two", ['[(2, "two")]', "[True]"], ["one", "three", "False"]),
        ("off-three", ['[pytest.param(3, "x", id="three")]', "[False]"], ["one", "two"]),
        ("no-such-case", ["one", "two", "three", "True", "False"], []),
    ],
)
def test_only_the_rows_of_the_case_are_shown(case: str, kept: list[str], gone: list[str]):
    text = read(TABLE, f"tests/test_m.py::test_word[{case}]")
    assert text is not None
    assert all(word in text for word in kept)
    assert not [word for word in gone if word in text.replace('ids=["on", "off"]', "")]
    assert "assert word(a, flag) == b" in text


@pytest.mark.parametrize(
    ("name", "row"),
    # The names are those that `pytest --collect-only` prints.
    [
        ("None", "None"),
        ("1.5", "1.5"),
        ("a-b", '"a-b"'),
        ("z", 'b"z"'),
        ("len", "len"),
        ("v5", "[1]"),
        ("\\n", '"\\n"'),
    ],
)
def test_rows_are_named_as_pytest_names_them(name: str, row: str):
    rows = '[None, 1.5, "a-b", b"z", len, [1], "\\n"]'
    test = f'@pytest.mark.parametrize("v", {rows})\ndef test_v(v):\n    assert v\n'
    text = read(test, f"tests/test_m.py::test_v[{name}]")
    assert text is not None
    assert text.splitlines()[0] == f'@pytest.mark.parametrize("v", [{row}])'


def test_ids_of_unittest_are_understood_and_the_test_of_that_class_is_chosen():
    method = "    def test_f(self):\n        "
    source = f"class A:\n{method}1\n\nclass B:\n{method}2\n"
    found = PythonLanguage().test_code(source, "tests.test_m.B.test_f")
    assert found == Excerpt(6, 7, "def test_f(self):\n        2")
    inherited = PythonLanguage().test_code(source, "tests/test_m.py::C::test_f")
    assert inherited == Excerpt(2, 3, "def test_f(self):\n        1")
    assert read(source, "tests.test_m.B.test_g") is None
    assert read("def broken(", "tests.test_m.B.test_f") is None
