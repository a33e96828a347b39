"""Two faults behind one suspect: what mends most of the tests is kept, the rest is a new item."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fake_engine import FakeEngine
from mending import mended

from agent import dividing
from agent.deps import Deps
from agent.dividing import Patience
from agent.repair.seams import Candidate, Splice, Verdict
from agent.state import Kind, PlanItem, RunState
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

BUGGY = """\
def clip(x, low, high):
    above = x if x > low else low + 1
    return above if above < high else high + 1


def shown(x):
    return clip(x, 0, 10)
"""
TESTS = """\
import pytest

from calc import shown


@pytest.mark.parametrize(("x", "clipped"), [(-5, 0), (-1, 0), (50, 10), (5, 5), (9, 9)])
def test_clip(x, clipped):
    assert shown(x) == clipped
"""


@pytest.fixture
def fix(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., dict[str, Any]]:
    served = serve(FakeEngine(replies=("nothing",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    # Without pairs, which would mend both faults at once.
    monkeypatch.setattr("agent.repair.steps.PairProposer.propose", lambda *_: iter(()))
    root = tmp_path / "repo"
    root.mkdir()

    def run(budget: str = "60s", source: str = BUGGY, tests: str = TESTS) -> dict[str, Any]:
        (root / "calc.py").write_text(source)
        (root / "test_calc.py").write_text(tests)
        return mended(root, served, budget)[0]

    return run


def test_the_rest_of_the_tests_is_an_item_of_its_own(
    fix: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dividing, "USUAL", Patience(1, 2.0))
    report = fix()
    first, second = report["items"]
    assert (first["status"], second["status"]) == ("fixed", "fixed")
    assert first["title"].startswith("2 failing tests: ")
    assert second["title"].startswith("1 failing test: ")
    assert "mends 2 of the 3 tests that fail here; the others go on" in first["evidence"]
    assert (report["before"]["passed"], report["after"]["passed"]) == (2, 5)


def test_nothing_is_divided_while_one_edit_may_still_mend_all(
    fix: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dividing, "USUAL", Patience(1000, 2.0))
    report = fix("12s")
    (item,) = report["items"]
    assert item["status"] == "partly fixed"
    assert (report["before"]["passed"], report["after"]["passed"]) == (2, 4)


CHAINED = """\
def area(width, height):
    return width + height


def price(width, height):
    if area(width, height) > 20:
        return 0
    return area(width, height) - 2
"""
CHAINED_TESTS = """\
import pytest

from calc import area, price


@pytest.mark.parametrize(("width", "height"), [(3, 4), (2, 5), (3, 6)])
def test_price(width, height):
    assert price(width, height) == 2 * width * height


def test_area():
    if area(3, 4) != 12:
        raise ValueError("no area")
"""


def test_what_another_fault_hid_has_a_second_turn(fix: Callable[..., dict[str, Any]]):
    report = fix("3m", CHAINED, CHAINED_TESTS)
    assert [item["status"] for item in report["items"]] == ["fixed", "fixed"]
    assert (report["before"]["passed"], report["after"]["passed"]) == (0, 4)


UNREACHED = """\
def area(width, height):
    return width + height


def double(width, height):
    return area(width, height) * 3


def price(width, height):
    if area(width, height) > 9:
        return double(width, height)
    return area(width, height)
"""


UNREACHED_TESTS = """\
from calc import area, price


def test_price():
    assert [price(3, 4), price(2, 5), price(3, 6)] == [24, 20, 36]


def test_area():
    if [area(3, 4), area(2, 5)] != [12, 10]:
        raise ValueError("no area")
"""


def test_what_ran_only_after_a_mend_is_suspected_then(fix: Callable[..., dict[str, Any]]):
    report = fix("3m", UNREACHED, UNREACHED_TESTS)
    assert [item["status"] for item in report["items"]] == ["fixed", "fixed"]
    assert "area(width, height) * 2" in report["items"][0]["patch"]
    assert (report["before"]["passed"], report["after"]["passed"]) == (0, 2)


@pytest.mark.parametrize(
    ("passed", "spent", "number", "divides"),
    [
        (3, 119.0, 1, False),
        (3, 121.0, 0, True),  # a fifth of the item's time
        (3, 110.0, 2, False),
        (3, 110.0, 3, True),  # the fourth round
        (1, 132.0, 2, False),
        (1, 134.0, 0, True),  # a third
        (1, 110.0, 5, False),
        (1, 110.0, 6, True),
    ],
)
def test_a_mend_of_all_is_waited_for_by_rounds_and_by_time(
    passed: int, spent: float, number: int, divides: bool
) -> None:
    ranked: list[Verdict] = []
    deps = SimpleNamespace(
        budget=SimpleNamespace(seconds_spent=spent),
        task=SimpleNamespace(budget_seconds=300.0),
        ranker=SimpleNamespace(rank=lambda verdicts, *_: ranked.extend(verdicts)),
    )
    state: RunState = {"since": 100.0, "until": 200.0, "round": number}
    item = SimpleNamespace(kind=Kind.BUG, targets=("a", "b", "c", "d"), suspects=(1, 2))
    edit = Candidate(strategy="template", splices=(Splice(path="a.py", start=0, end=1, text="2"),))
    verdict = Verdict(candidate=edit, target_passed=passed, target_total=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dividing, "evidence", lambda *_: None)
        dividing.worth(cast(Deps, deps), state, cast(PlanItem, item), [verdict])
    assert bool(ranked) is divides
