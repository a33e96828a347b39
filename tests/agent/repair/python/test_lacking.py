"""Imports that an edit needs are found, and put where a person would."""

from __future__ import annotations

import pytest

from agent.repair.edit import apply_splices
from agent.repair.python.lacking import FAMILIAR, lacking_imports, only_imports
from agent.repair.seams import Splice

BODY = "def f(a):\n    return a\n"
HEADED = (
    '"""Doc."""\n\nfrom __future__ import annotations\n\nimport re\nfrom math import floor\n\n\n'
)
LONG = "from urllib.error import (\n    URLError,\n)\n\n\n"


def completed(before: str, value: str) -> str:
    """The file with `value` returned and what that needs."""
    start = before.index("return a") + len("return ")
    edit = Splice(path="m.py", start=start, end=start + 1, text=value)
    return apply_splices(before, (edit, *lacking_imports("m.py", before, (edit,))))


@pytest.mark.parametrize(
    ("head", "value", "wanted"),
    [
        ("import re\n\n\n", "calendar.monthrange(a, 1)", "import calendar\nimport re\n\n\n"),
        (HEADED, "floor(sqrt(a))", HEADED.replace("floor", "floor, sqrt")),
        (HEADED, "json.dumps(a)", HEADED.replace("import re", "import json\nimport re")),
        (HEADED, "Path(a)", HEADED.replace("floor\n", "floor\nfrom pathlib import Path\n")),
        (LONG, "isinstance(a, HTTPError)", LONG.replace("URLError", "URLError, HTTPError")),
        ("import re\n\n\n", "datetime.now()", "import re\nfrom datetime import datetime\n\n\n"),
        ("import re\n\n\n", "datetime.date(a)", "import datetime\nimport re\n\n\n"),
        ("", "sqrt(a)", "from math import sqrt\n\n\n"),
        ("from . import b\n\n\n", "copy.copy(a)", "import copy\nfrom . import b\n\n\n"),
    ],
)
def test_what_is_new_is_imported(head: str, value: str, wanted: str) -> None:
    assert completed(head + BODY, value) == wanted + BODY.replace("return a", f"return {value}")


@pytest.mark.parametrize(
    ("head", "value"),
    [
        ("from math import *\n", "sqrt(a)"),
        ("", "frobnicate(sqrt(a))"),
        ("", "len(a)"),
        ("", "[sqrt for sqrt in a]"),
        ("from numpy import sqrt\n", "sqrt(a)"),
        ("def g():\n    return sqrt(2)\n\n\n", "sqrt(a)"),
        ("", "_thread.exit()"),
        ("", "(a"),
    ],
)
def test_what_is_known_or_unknown_is_not(head: str, value: str) -> None:
    assert completed(head + BODY, value) == head + BODY.replace("return a", f"return {value}")


def test_line_ends_are_kept() -> None:
    found = completed(f"import re\n\n\n{BODY}".replace("\n", "\r\n"), "math.sqrt(a)")
    assert found.startswith("import math\r\nimport re\r\n")


def test_only_modules_without_side_effects_are_looked_into() -> None:
    assert not {"antigravity", "this", "idlelib", "turtle"} & set(FAMILIAR)


def test_imports_are_told_from_other_code() -> None:
    assert only_imports("import a\nfrom b import c\n")
    assert not only_imports("import a\na.b()\n")
    assert not only_imports("")
