"""The sections that tell the model about a failing test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.repair.context import MAX_TEST, TestContext, failure, shortest
from agent.repair.edit import read_source
from agent.repair.prompt import FixPrompt, Shown, question
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Evidence
from tools.report import Frame, Outcome, TestResult

SOURCE = "LIMIT = 3\n\n\ndef g(x):\n    return x\n\n\ndef f(a):\n    return g(a) + LIMIT\n"
Build = Callable[..., Evidence]


def sections(evidence: Evidence) -> list[tuple[str, str]]:
    found = TestContext((PythonLanguage(),), read_source).sections(evidence)
    return [(section.name, section.text) for section in found]


def result(name: str, **more: object) -> TestResult:
    told = {"id": f"test_m.py::{name}", "outcome": Outcome.FAILED, "path": "test_m.py"}
    return TestResult.model_validate(told | more)


def test_the_report_comes_first_and_values_last(evidence: Build):
    told = replace(evidence(SOURCE, "f"), issue="f is wrong", values="a = 3")
    assert sections(told) == [
        ("report", "f is wrong"),
        ("test", "def test_f():\n    assert f(3) == 1234"),
        ("failure", "test_m.py::test_f\nassert 3 == 1234"),
        ("values", "a = 3"),
    ]


def test_the_code_is_shown_before_the_tests(evidence: Build):
    base = evidence(SOURCE, "f")
    found = FixPrompt((PythonLanguage(),)).sections(base, shown(base))
    assert [section.name for section in found] == ["code", "test", "failure"]
    assert "LIMIT = 3" not in found[0].text


def test_two_cases_of_one_test_show_their_code_once(evidence: Build):
    base = evidence(SOURCE, "f")
    failing = tuple(result(f"test_f[{n}]", message=f"assert {n}") for n in (1, 2, 3))
    assert [name for name, _ in sections(replace(base, failing=failing))] == [
        "test",
        "failure",
        "failure",
    ]


def test_sections_say_where_their_text_stands(evidence: Build):
    found = TestContext((PythonLanguage(),), read_source).sections(evidence(SOURCE, "f"))
    assert {section.name: section.place for section in found} == {
        "test": "test_m.py:4-5",
        "failure": "",
    }


def test_a_test_that_cannot_be_found_is_told_by_its_traceback(evidence: Build):
    base = evidence(SOURCE, "f")
    unknown = result("test_other", traceback="File x\x1b[31m")
    foreign = result("test_f", path="test_m.js", traceback="at y")
    gone = result("test_f", path="test_gone.py", traceback="at z")
    for test, text in ((unknown, "File x"), (foreign, "at y"), (gone, "at z")):
        assert sections(replace(base, failing=(test,)))[0] == ("test", text)


def test_text_of_the_repository_is_cut_and_cannot_hide(evidence: Build):
    base = evidence(SOURCE, "f")
    rows = "".join(f"    x{n} = {n}\n" for n in range(400))
    (base.root / "test_m.py").write_text(f"def test_f():\n    '\u202e```'\n{rows}")
    (_, text), *_ = sections(base)
    assert len(text) < MAX_TEST + 100
    assert "\u202e" not in text
    user = question([*FixPrompt((PythonLanguage(),)).sections(base, shown(base))])[1]["content"]
    assert "````python\ndef test_f" in user


def shown(evidence: Evidence) -> Shown:
    found = FixPrompt((PythonLanguage(),)).shown(evidence, evidence.suspects[0])
    assert found is not None
    return found


def test_a_failure_is_the_runners_own_message():
    frame = Frame(path="m.py", line=2, function="f", local_values={"a": "3"})
    test = result("test_f", message="assert \x1b[1m3 == 4", traceback="E  1", frames=(frame,))
    assert failure(test) == "test_m.py::test_f\nassert 3 == 4"


def test_the_tests_with_least_to_read_are_shown():
    tests = [result("c", traceback="xx"), result("b", traceback="x"), result("a", traceback="xxx")]
    assert [test.id[-1] for test in shortest(tests)] == ["b", "c"]
