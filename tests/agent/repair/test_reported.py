"""A bug report moves suspects up, and finds them where no test fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.repair.localize import SpectrumLocalizer
from agent.repair.python.language import PythonLanguage
from agent.repair.reported import ReportLocalizer
from agent.repair.reports import hints
from agent.repair.seams import Suspect
from tools.report import Outcome, TestReport, TestResult

Write = Callable[[Mapping[str, str]], Path]
LANGUAGES = (PythonLanguage(),)
GREEN = TestReport(results=(TestResult(id="t", outcome=Outcome.PASSED, path="tests/test_a.py"),))
MONEY = '''\
def parse_price(text):
    """The price in a text."""
    return float(text.replace(",", ""))


def format_price(value):
    return f"{value:.2f}"
'''
CART = """\
class Cart:
    def __init__(self):
        self.lines = []

    def total(self):
        return sum(self.lines)

    def discount(self, percent):
        return self.total() * percent
"""


@pytest.fixture
def root(write: Write) -> Path:
    return write(
        {
            "shop/money.py": MONEY,
            "shop/cart.py": CART,
            "shop/other/money.py": "def spend():\n    return 1\n",
            "tests/test_a.py": "def test_parse_price():\n    pass\n",
            "vendor/lib.py": "def parse_price(text):\n    return text\n",
        }
    )


def suspects(root: Path, text: str, baseline: TestReport = GREEN) -> list[Suspect]:
    inner = SpectrumLocalizer(LANGUAGES)
    return list(ReportLocalizer(inner, hints(text), LANGUAGES).localize(root, baseline))


def test_without_failing_tests_the_named_function_leads(root: Path) -> None:
    first = suspects(root, "`parse_price` does not know commas")[0]
    assert (first.path, first.name) == ("shop/money.py", "parse_price")
    assert "the report names `parse_price`" in first.reasons


def test_a_traceback_leads_to_its_last_function_wherever_it_was_made(root: Path) -> None:
    text = (
        'File "/home/ada/proj/shop/cart.py", line 9, in discount\n'
        'File "D:\\proj\\shop\\cart.py", line 6, in total\n'
        'File "/usr/lib/python3/site-packages/x/money.py", line 1, in other\n'
    )
    found = suspects(root, text)
    assert [s.name for s in found[:2]] == ["Cart.total", "Cart.discount"]
    assert "the report ends at line 6 of `Cart.total`" in found[0].reasons
    assert found[0].lines[6] == 1.0


def test_plain_words_are_compared_with_those_of_functions(root: Path) -> None:
    found = suspects(root, "Percentages of discounts come out far too large.")
    assert found[0].name == "Cart.discount"
    assert "shares the words" in found[0].reasons[0]


def test_a_name_that_many_functions_bear_counts_less(write: Write) -> None:
    files = {f"m{i}.py": "def run():\n    return 1\n" for i in range(5)}
    root = write({**files, "rare.py": "def walk():\n    return 1\n"})
    found = suspects(root, "`run` and `walk`")
    assert found[0].name == "walk"
    assert found[0].score > 2 * found[1].score


def test_failing_tests_keep_the_lead_and_the_report_raises(root: Path) -> None:
    lines = {"shop/money.py": (3, 7)}
    failing = TestResult(
        id="tests/test_a.py::t", outcome=Outcome.FAILED, path="tests/test_a.py", lines=lines
    )
    report = TestReport(results=(failing,))
    plain = SpectrumLocalizer(LANGUAGES).localize(root, report)
    raised = suspects(root, "`format_price` is wrong", report)
    assert {s.name for s in raised} == {s.name for s in plain}
    assert raised[0].name == "format_price"
    assert raised[0].reasons[0] == "the report names `format_price`"
    other = suspects(root, "`Cart.total` is wrong", report)
    assert [s.name for s in other] == [s.name for s in plain], "what no failing test runs"


@pytest.mark.parametrize(
    "text",
    [
        'File "/etc/passwd.py", line 1, in root',
        "../../../shop/secret.py:1",
        "vendor/lib.py:1",
        "tests/test_a.py:1",
        "money.py:1",
        "shop/money.py:99999",
        "\x00\x1b[2J",
    ],
)
def test_places_outside_or_ambiguous_point_at_nothing(root: Path, text: str) -> None:
    """Words may still be shared; no place is believed."""
    assert not [s for s in suspects(root, text) if s.lines]
    assert [s for s in suspects(root, "shop/money.py:2") if s.lines], "positive control"


def test_no_file_outside_the_repository_is_read(root: Path) -> None:
    asked: list[str] = []

    def reader(root: Path, path: str) -> str:
        asked.append(path)
        return (root / path).read_text()

    inner = SpectrumLocalizer(LANGUAGES, reader=reader)
    text = 'File "/etc/hosts.py", line 1, in x\n../outside.py:3 shop/money.py:2'
    found = ReportLocalizer(inner, hints(text), LANGUAGES, reader=reader).localize(root, GREEN)
    assert found[0].path == "shop/money.py", "positive control"
    assert all(not path.startswith(("/", "..")) and (root / path).is_file() for path in asked)
