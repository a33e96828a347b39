from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.repair.localize import SpectrumLocalizer
from agent.repair.python.language import PythonLanguage
from tools.report import Frame, Outcome, TestReport, TestResult

Write = Callable[[Mapping[str, str]], Path]
LOCALIZER = SpectrumLocalizer((PythonLanguage(),))
SOURCE = """\
RATE = 7


def good(x):
    return x


def bad(x):
    if x:
        return x * RATE
    return 0
"""
TEST = "from lib import bad\n\n\ndef test_bad():\n    assert bad(2) == 3\n"


def failed(name: str, **fields: object) -> TestResult:
    return TestResult(
        id=f"tests/test_lib.py::{name}",
        outcome=Outcome.FAILED,
        path="tests/test_lib.py",
        **fields,  # type: ignore[arg-type]
    )


def passed(name: str, lines: dict[str, tuple[int, ...]]) -> TestResult:
    return TestResult(id=name, outcome=Outcome.PASSED, lines=lines)


@pytest.fixture
def root(write: Write) -> Path:
    return write({"lib.py": SOURCE, "tests/test_lib.py": TEST, "vendor/lib2.py": SOURCE})


def test_lines_that_only_failing_tests_run_are_the_most_suspicious(root: Path):
    report = TestReport(
        results=(
            failed("test_bad", lines={"lib.py": (5, 9, 10), "tests/test_lib.py": (5,)}),
            passed("a", {"lib.py": (5, 9, 11)}),
            passed("b", {"lib.py": (5,)}),
        )
    )
    suspects = LOCALIZER.localize(root, report)
    assert [s.name for s in suspects] == ["bad", "good", "<module>"]
    assert suspects[0].lines[10] == 1.0
    assert suspects[0].lines[9] == pytest.approx(0.7071, abs=1e-4)
    assert 11 not in suspects[0].lines
    assert "runs in 1 of 1 failing tests and 1 of 2 passing ones" in suspects[0].reasons
    assert "line 10 sets the failing tests apart most" in suspects[0].reasons


def test_a_constant_that_a_suspect_uses_is_suspected_too(root: Path):
    report = TestReport(results=(failed("test_bad", lines={"lib.py": (9, 10)}),))
    module = next(s for s in LOCALIZER.localize(root, report) if s.name == "<module>")
    assert module.lines == {1: 1.0}
    assert "line 1 sets `RATE`, which suspects use" in module.reasons


def test_a_constant_of_an_imported_file_is_suspected_less(write: Write):
    rates = "RATE = 3\nUNUSED = 1\n"
    source = "from rates import RATE\ndef bad(x):\n    return RATE * x\n"
    root = write(
        {"lib.py": source, "rates.py": rates, "other.py": rates, "tests/test_lib.py": TEST}
    )
    files = ("lib.py", "rates.py", "other.py", "tests/test_lib.py")
    report = TestReport(
        results=(failed("test_bad", lines={"lib.py": (3,)}),),
        imports={"tests/test_lib.py": files},
    )
    suspects = LOCALIZER.localize(root, report)
    assert [(s.path, s.name) for s in suspects] == [("lib.py", "bad"), ("rates.py", "<module>")]
    assert suspects[1].lines == {1: 1.0}


TABLE = """\
UNITS = {
    "minute": 60,
    "hour": Unit(
        seconds=360,
    ),
    "day": 86_400,
}


def seconds(count, unit):
    return count * UNITS[unit]
"""


def test_the_entry_of_a_table_that_a_failing_test_quotes_is_suspected(write: Write):
    test = 'def test_hour():\n    assert seconds(1, "hour") == 3600\n'
    root = write({"lib.py": TABLE, "tests/test_lib.py": test})
    report = TestReport(results=(failed("test_hour", lines={"lib.py": (10, 11)}),))
    function, table = LOCALIZER.localize(root, report)
    assert (function.name, table.name) == ("seconds", "<module>")
    assert set(table.lines) == {1, 3, 4}
    assert table.score == pytest.approx(0.6 * function.score, abs=0.01)
    assert "line 3 is the entry `hour`, which failing tests quote" in table.reasons


def test_a_key_that_many_tables_have_tells_nothing(write: Write):
    test = 'def test_hour():\n    assert seconds(1, "hour") == 3600\n'
    tables = "".join(f'T{n} = {{\n    "hour": {n},\n}}\n' for n in range(4))
    source = tables + "def seconds(count, unit):\n    return count * UNITS[unit]\n"
    root = write({"lib.py": source, "tests/test_lib.py": test})
    report = TestReport(results=(failed("test_hour", lines={"lib.py": (14,)}),))
    assert [suspect.name for suspect in LOCALIZER.localize(root, report)] == ["seconds"]


def test_when_all_tests_fail_the_raising_line_and_the_named_function_lead(root: Path):
    both = {"lib.py": (5, 9, 10)}
    frames = (
        Frame(path="tests/test_lib.py", line=5, function="test_bad"),
        Frame(path="lib.py", line=10, function="bad"),
    )
    report = TestReport(results=(failed("test_bad", lines=both, frames=frames),))
    suspects = LOCALIZER.localize(root, report)
    assert suspects[0].name == "bad"
    assert max(suspects[0].lines, key=suspects[0].lines.__getitem__) == 10
    assert "line 10 raises in 1 failing test" in suspects[0].reasons


def test_the_error_is_known_at_every_line_that_it_came_through(root: Path):
    frames = tuple(Frame(path="lib.py", line=line, function="f") for line in (5, 10))
    test = failed("test_bad", message="KeyError: 'a'", frames=frames)
    suspects = LOCALIZER.localize(root, TestReport(results=(test,)))
    assert {s.name: s.errors for s in suspects if s.errors} == {
        "bad": {10: "KeyError: 'a'"},
        "good": {5: "KeyError: 'a'"},
    }


def test_errors_that_are_wanted_and_do_not_come_are_known(write: Write):
    test = "def test_bad():\n    with raises(ValueError):\n        bad(2)\n"
    root = write({"lib.py": SOURCE, "tests/test_lib.py": test})
    for message, wanted in [
        ("Failed: DID NOT RAISE <class 'ValueError'>", ("ValueError()",)),
        ("AssertionError: ValueError not raised", ("ValueError()",)),
        ("KeyError: 'a'", ("ValueError()",)),
        ("AssertionError: assert 1 == 2", ()),
    ]:
        one = failed("test_bad", lines={"lib.py": (9, 10)}, message=message)
        assert LOCALIZER.localize(root, TestReport(results=(one,)))[0].expected == wanted


def test_a_function_that_writes_what_the_failure_quotes_is_suspected_more(write: Write):
    source = "def first(x):\n    x['shape'] = 1\n\n\ndef second(x):\n    x['colour'] = 1\n"
    root = write({"lib.py": source})
    lines = {"lib.py": (2, 6)}
    other = failed("test_bad", lines=lines, message="assert 'size' in {'weight': 1}")
    plain = LOCALIZER.localize(root, TestReport(results=(other,)))
    assert plain[0].name == "first", "positive control"
    quoting = failed("test_bad", lines=lines, message="assert 'size' in {'colour': 1}")
    suspects = LOCALIZER.localize(root, TestReport(results=(quoting,)))
    assert suspects[0].name == "second"
    assert "`colour`, which the failure quotes, stands in it" in suspects[0].reasons


def test_a_function_whose_name_has_words_of_the_test_is_suspected_more(write: Write):
    source = "def write(x):\n    x()\n\n\ndef write_headerLine(x):\n    x()\n"
    root = write({"lib.py": source})
    lines = {"lib.py": (2, 6)}
    plain = LOCALIZER.localize(root, TestReport(results=(failed("test_bad", lines=lines),)))
    assert plain[0].name == "write", "positive control"
    test = failed("test_write[header]", lines=lines)
    shared = LOCALIZER.localize(root, TestReport(results=(test,)))
    assert shared[0].score == shared[1].score, "what both names have sets neither apart"
    [first, *_] = LOCALIZER.localize(
        root, TestReport(results=(failed("test_header", lines=lines),))
    )
    assert first.name == "write_headerLine"
    assert "`header` is in its name and in that of a failing test" in first.reasons


def test_of_two_equal_suspects_the_one_that_was_changed_last_is_first(write: Write):
    source = "def one(x):\n    x()\n"
    root = write({"a.py": source, "b.py": source})
    lines = {"a.py": (2,), "b.py": (2,)}
    report = TestReport(results=(failed("test_bad", lines=lines),))
    assert LOCALIZER.localize(root, report)[0].path == "a.py", "positive control"
    asked = ["README.md", "tests/test_lib.py", "a.py", "b.py"]
    found: list[list[str]] = []

    def recent(may_hold_fault: Callable[[str], bool]) -> list[str]:
        found.append([path for path in asked if may_hold_fault(path)])
        return ["b.py"]

    known = SpectrumLocalizer((PythonLanguage(),), recent=recent)
    suspect = known.localize(root, report)[0]
    assert suspect.path == "b.py"
    assert "its file is one of the few that were changed last" in suspect.reasons
    known.localize(root, report)
    assert found == [["a.py", "b.py"]], "once, and only of what may hold a fault"


def test_without_coverage_or_frames_the_test_source_names_the_function(root: Path):
    suspects = LOCALIZER.localize(root, TestReport(results=(failed("test_bad"),)))
    assert [s.name for s in suspects if s.name != "<module>"] == ["bad"]
    assert "`bad` is named in 1 failing test" in suspects[0].reasons


def test_a_source_file_that_does_not_parse_explains_an_import_error(write: Write):
    root = write({"lib.py": "x = 1\ndef f(:\n    pass\n", "tests/test_lib.py": TEST})
    error = TestResult(
        id="tests/test_lib.py",
        outcome=Outcome.ERROR,
        path="tests/test_lib.py",
        traceback=f'  File "{root}/lib.py", line 2\n    def f(:\nSyntaxError: invalid syntax',
    )
    (suspect,) = LOCALIZER.localize(root, TestReport(results=(error,)))
    assert (suspect.path, suspect.name, suspect.score) == ("lib.py", "<module>", 1.0)
    assert max(suspect.lines, key=suspect.lines.__getitem__) == 2
    assert "does not parse" in suspect.reasons[0]


def test_tests_and_vendored_files_are_never_suspects(root: Path):
    lines = {"tests/test_lib.py": (5,), "vendor/lib2.py": (9, 10), "lib.py": (9,)}
    report = TestReport(results=(failed("test_bad", lines=lines),))
    assert {s.path for s in LOCALIZER.localize(root, report)} == {"lib.py"}


def test_nothing_is_suspected_when_nothing_fails(root: Path):
    assert LOCALIZER.localize(root, TestReport(results=(passed("a", {"lib.py": (5,)}),))) == ()


def test_methods_are_told_from_their_class(write: Write):
    source = "class A:\n    limit = 3\n\n    def m(self):\n        return self.limit\n"
    root = write({"lib.py": source})
    report = TestReport(results=(failed("t", lines={"lib.py": (5,)}),))
    suspects = LOCALIZER.localize(root, report)
    assert [s.name for s in suspects] == ["A.m", "A"]
    assert suspects[1].lines[2] == 1.0
