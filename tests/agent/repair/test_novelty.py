"""What is new of a model's edits."""

from dataclasses import replace

from agent.repair.edit import Edit
from agent.repair.novelty import Novelty
from agent.repair.prompt import Shown
from agent.repair.python.language import PythonLanguage

SOURCE = "def half(x):\n    return x / 2\n\n\nprint(half(4))\n"
SHOWN = Shown("half.py", SOURCE, 0, SOURCE.index("\n\n\n"), "", whole=True)
AT = SOURCE.index("x / 2")
MEND = Edit(AT, AT + 5, "x // 2", "rest of line")


def test_an_edit_is_new_once() -> None:
    novelty = Novelty(SHOWN, PythonLanguage())
    assert novelty.new(MEND) == MEND
    assert novelty.new(replace(MEND, text="x  //  2")) is None, "only the layout differs"
    assert novelty.new(replace(MEND, text="x / 2  # halves")) is None, "the code as it is"
    assert novelty.new(replace(MEND, text="x // (2")) is None, "it does not parse"
    behind = Edit(SHOWN.end + 1, SHOWN.end + 1, "    return 1\n")
    assert novelty.new(behind) == behind, "a line behind what was shown"


def test_what_the_model_says_about_its_edit_is_left_out() -> None:
    told = replace(MEND, text="x // 2  # Use integer division to avoid floats")
    assert Novelty(SHOWN, PythonLanguage()).new(told) == MEND
