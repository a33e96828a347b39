from __future__ import annotations

from agent.repair.spectrum import Spectrum
from tools.report import Outcome, TestResult


def _ran(name: str, *lines: int) -> TestResult:
    return TestResult(id=name, outcome=Outcome.PASSED, lines={"a.py": lines})


def test_tests_are_counted_once_however_many_of_the_lines_they_ran():
    spectrum = Spectrum((_ran("x", 1, 2), _ran("y", 2, 3), _ran("z")))
    assert spectrum.count("a.py", (2,)) == 2
    assert spectrum.count("a.py", (1, 2)) == 2
    assert spectrum.count("a.py", (4,)) == 0
    assert spectrum.count("b.py", (1,)) == 0
    assert set(spectrum.lines()) == {("a.py", 1), ("a.py", 2), ("a.py", 3)}


def test_equal_results_of_another_run_are_not_taken_for_the_same():
    tests = (_ran("x", 1),)
    assert Spectrum(tests).is_of(tuple(tests))
    assert not Spectrum(tests).is_of((_ran("x", 1),))
    assert not Spectrum(tests).is_of(())
