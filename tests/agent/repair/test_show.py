"""Which lines of a suspect the model is shown."""

from __future__ import annotations

from agent.repair.prompt import MAX_CODE, MAX_LOOSE, show
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Suspect

PYTHON = PythonLanguage()
LONG = "def f(a):\n" + "".join(f"    a = a + {n:060}\n" for n in range(300))
MODULE = "".join(f"X{n:03} = {n:060}\n" for n in range(100)) + "\n\ndef g():\n    return X050\n"


def suspected(name: str, source: str, **lines: float) -> Suspect:
    """Lines are given as L5=1.0."""
    return Suspect(
        path="m.py",
        name=name,
        first_line=1,
        last_line=source.count("\n") + 1,
        score=1.0,
        lines={int(line[1:]): value for line, value in lines.items()},
    )


def test_a_short_function_is_shown_whole_and_has_one_window():
    source = "def f(a):\n    return a\n"
    shown = show(source, suspected("f", source, L2=1.0), PYTHON)
    assert shown
    assert (shown.whole, shown.body) == (True, source.rstrip())
    assert show(source, suspected("f", source, L2=1.0), PYTHON, 1) is None


def test_windows_of_a_long_function_follow_the_worst_lines():
    suspect = suspected("f", LONG, L50=1.0, L52=0.9, L200=0.5, L280=0.1)
    bodies = []
    for window, line in enumerate((50, 200, 280)):
        shown = show(LONG, suspect, PYTHON, window)
        assert shown
        assert not shown.whole
        assert len(shown.body) <= MAX_CODE
        assert f"{line - 2:060}" in shown.body
        bodies.append(shown.body)
    assert not any(f"{50 - 2:060}" in body for body in bodies[1:])
    assert show(LONG, suspect, PYTHON, 3) is None


def test_a_function_without_known_lines_is_shown_from_its_top():
    shown = show(LONG, suspected("f", LONG), PYTHON)
    assert shown
    assert shown.body.startswith("def f(a):")


def test_outside_functions_only_the_surroundings_of_suspected_lines_are_shown():
    shown = show(MODULE, suspected("<module>", MODULE, L51=1.0), PYTHON)
    assert shown
    assert f"X050 = {50:060}" in shown.body
    assert len(shown.body) <= MAX_LOOSE < len(MODULE)
    assert shown.source[shown.start : shown.end] == shown.body
