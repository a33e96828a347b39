"""A test keeps its name from one runner to the other."""

import pytest

from agent.bench.names import failed_before, find, passes_now
from tools.report import Outcome, TestReport, TestResult


def result(name: str, outcome: Outcome = Outcome.FAILED) -> TestResult:
    return TestResult(id=name, outcome=outcome, path=name.partition("::")[0])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tests/a/test_x.py::C::test_it", "tests.a.test_x.C.test_it"),
        ("test_x.py::test_it", "tests/test_x.py::test_it"),
        ("t/test_x.py::test_it[a/b.py::c]", "t/test_x.py::test_it[a/b.py::c]"),
    ],
)
def test_the_same_test_is_found(name: str, told: str) -> None:
    assert find(name, [result("t/test_y.py::test_it"), result(told)]) == (result(told),)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tests/test_x.py::test_it", "tests/test_x.py::C::test_it"),
        ("test_x.py::test_it", "my_test_x.py::test_it"),
        ("test_x.py::test_it[1]", "test_x.py::test_it[2]"),
        ("test_x.py::test_it", "test_it"),
    ],
)
def test_another_test_is_not(name: str, told: str) -> None:
    assert find(name, [result(told)]) == ()


def test_the_very_name_comes_before_those_like_it() -> None:
    exact, alike = result("test_x.py::test_it"), result("a/test_x.py::test_it")
    assert find(exact.id, [alike, exact]) == (exact,)


def test_a_class_that_another_file_imports_is_found_there() -> None:
    name, there = "t/test_x.py::C::test_it", result("t/__main__.py::C::test_it")
    assert find(name, [result("t/__main__.py::D::test_it"), there]) == (there,)
    assert find(name, [there, result("t/all.py::C::test_it")]) == ()
    assert find("t/test_x.py::test_it", [result("t/__main__.py::test_it")]) == ()


def test_a_file_that_cannot_be_read_fails_all_its_tests() -> None:
    broken = TestReport(results=(result("t/test_x.py", Outcome.ERROR),))
    assert failed_before("t/test_x.py::test_it", broken)
    assert not failed_before("t/test_y.py::test_it", broken)
    assert not passes_now("t/test_x.py::test_it", broken)


def test_a_test_passes_only_when_it_ran() -> None:
    name = "t/test_x.py::test_it"
    assert passes_now(name, TestReport(results=(result(name, Outcome.PASSED),)))
    assert not passes_now(name, TestReport(results=(result(name, Outcome.SKIPPED),)))
    assert not passes_now(name, TestReport())
    assert not failed_before(name, TestReport(results=(result(name, Outcome.PASSED),)))
