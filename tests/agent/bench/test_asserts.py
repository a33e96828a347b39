"""A check function becomes tests of its asserts, and no test tells of another."""

import pytest

from agent.bench.asserts import module_names, take_apart

PLAIN = "def check(f):\n    assert f(1) == 2\n    assert f(2) == 3, 'said'\n\ncheck(f)\n"


def ran(text: str, **names: object) -> list[str]:
    """Names of the tests in a test file that pass."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("from module"))
    space: dict[str, object] = dict(names)
    exec(compile(body, "test", "exec"), space)
    passed = []
    for name, value in list(space.items()):
        if name.startswith("test_") and callable(value):
            try:
                value()
            except AssertionError:
                continue
            passed.append(name)
    return passed


def test_each_assert_is_a_test_and_only_the_chosen_are_told() -> None:
    checks = take_apart(PLAIN, "f")
    assert len(checks.bodies) == 2
    text = checks.render("module", {"f"}, [1])
    assert text.startswith("from module import f\n")
    assert "f(2) == 3" in text
    assert "f(1)" not in text
    assert ran(text, f=lambda x: x + 1) == ["test_f_2"]
    assert ran(text, f=lambda x: x) == []


def test_what_builds_values_stands_in_each_test_that_follows() -> None:
    source = (
        "def check(f):\n    assert f([]) == 0\n    values = []\n"
        "    for n in range(3):\n        values.append(n)\n"
        "    assert f(values) == 3\n    values = [7]\n    assert f(values) == 1\n"
    )
    checks = take_apart(source, "f")
    assert ["values" in body for body in checks.bodies] == [False, True, True]
    assert ran(checks.render("module", {"f"}, [0, 1, 2]), f=len) == [
        "test_f_1",
        "test_f_2",
        "test_f_3",
    ]


def test_a_loop_of_asserts_is_one_test() -> None:
    source = (
        "def check(f):\n    assert f(0) == 0\n    for n in range(3):\n        assert f(n) == n\n"
    )
    checks = take_apart(source, "f")
    assert len(checks.bodies) == 2
    assert ran(checks.render("module", {"f"}, [0, 1]), f=lambda n: 0) == ["test_f_1"]


def test_a_helper_that_asserts_makes_its_calls_tests() -> None:
    source = (
        "import math\n\ndef near(a, b):\n    assert math.isclose(a, b)\n\n"
        "def check(f):\n    near(f(1), 1)\n    near(f(4), 2)\n\ncheck(f)\n"
    )
    checks = take_apart(source, "f")
    text = checks.render("module", {"f", "math"}, [0, 1])
    assert "check(" not in text
    assert "from module import f\n" in text
    assert ran(text, f=lambda x: x) == ["test_f_1"]


def test_names_of_the_module_are_imported_and_another_name_is_an_alias() -> None:
    source = "def check(candidate):\n    assert candidate(encode('a')) == 'a'\n"
    text = take_apart(source, "decode").render("module", {"encode", "decode", "other"}, [0])
    assert text.startswith("from module import decode as candidate, encode\n")


def test_asserts_that_say_nothing_or_the_same_are_left_out() -> None:
    source = "def check(f):\n    assert True, 'x'\n    assert f(1)\n    assert f(1)\n    assert 1\n"
    assert take_apart(source, "f").bodies == ("assert f(1)",)


@pytest.mark.parametrize(
    "source", ["", "def check():\n    assert 1\n", "def check(f):\n    pass\n", "def check(:\n"]
)
def test_what_cannot_be_taken_apart_is_refused(source: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        take_apart(source, "f")


def test_names_of_a_module() -> None:
    source = (
        "import os.path as p, re\nfrom a import b\nX, Y = 1, 2\ndef f(): z = 1\nclass C: pass\n"
    )
    assert module_names(source) == {"p", "re", "b", "X", "Y", "f", "C"}
    assert module_names("def f(:") == frozenset()
