"""Comments that a model adds to its edits are left out."""

import pytest

from agent.repair.python.language import PythonLanguage

BEFORE = """def half(x):
    # Rounds down.
    y = x / 2  # as a number
    return y
"""


@pytest.mark.parametrize(
    ("old", "text", "left"),
    [
        ("x / 2  # as a number", "x // 2  # Fixed: integers", "x // 2"),
        ("    y = x / 2", "    # Use integers\n    y = x // 2", "    y = x // 2"),
        ("x / 2", "'#' + x  ", "'#' + x  "),
        (
            "    y = x / 2",
            "    # Rounds down.\n    y = x // 2",
            "    # Rounds down.\n    y = x // 2",
        ),
        ("x / 2  # as a number", "x // 2  # as a number", "x // 2  # as a number"),
        ("x / 2", "(x  # it\n      // 2)", "(x\n      // 2)"),
        ("return y", "return (y", "return (y"),
        ("    return y\n", "    return y\n    # done\n", "    return y\n"),
        ("    y = x / 2", "    # a\n\n    # b\n    y = 1", "\n    y = 1"),
        ("y = x / 2", "# a\n    # b\n    y = 1", "y = 1"),
        ("y = x / 2", "# a\n        y = 1", "    y = 1"),
        ("    return y", "    return y\n    # done", "    return y"),
        ("    return y", "    return y  # a\n    # b", "    return y"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_new_comments_are_left_out(old: str, text: str, left: str, newline: str) -> None:
    source = BEFORE.replace("\n", newline)
    old, text, left = (each.replace("\n", newline) for each in (old, text, left))
    start = source.index(old)
    assert PythonLanguage().uncommented(source, start, start + len(old), text) == left


def test_bytes_of_another_encoding_do_not_matter() -> None:
    source = "x = 'caf\udce9'  # \udce9t\udce9\n"
    start = source.index("'caf")
    found = PythonLanguage().uncommented(source, start, start + 6, "'\udce9s'  # new\\\udce9\nx")
    assert found == "'\udce9s'\nx"
