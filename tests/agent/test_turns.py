"""A second turn of a bug begins where its first one was cut off."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agent import searching, turns
from agent.deps import Deps
from agent.state import GivenUp, Kind, PlanItem, RunState, Status, dump
from tools.report import Outcome, TestReport, TestResult


@pytest.mark.parametrize(
    ("untested", "spent", "following"),
    [(True, 100.0, 3), (True, 99.0, 4), (False, 100.0, 4), (False, 99.0, 4)],
)
def test_a_round_that_time_cut_off_is_gone_on_with(
    untested: bool, spent: float, following: int
) -> None:
    deps = SimpleNamespace(
        budget=SimpleNamespace(seconds_spent=spent), task=SimpleNamespace(budget_seconds=300.0)
    )
    state = {"round": 3, "until": 100.0}
    assert searching.next_round(cast(Deps, deps), state, untested=untested) == following


TESTS = [
    TestResult(id="t.py::test_b", outcome=Outcome.FAILED, lines={"b.py": (1, 2)}),
    TestResult(id="t.py::test_ab", outcome=Outcome.FAILED, lines={"a.py": (1,), "b.py": (1,)}),
    TestResult(id="t.py::test_unknown", outcome=Outcome.FAILED),
]


@pytest.mark.parametrize(
    ("test", "localised", "first"),
    [("t.py::test_b", False, 5), ("t.py::test_ab", True, 0), ("t.py::test_unknown", True, 0)],
)
def test_what_others_mended_elsewhere_does_not_begin_a_search_anew(
    test: str, localised: bool, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[PlanItem] = []

    def anew(_: Deps, item: PlanItem, *__: object) -> list[PlanItem]:
        asked.append(item)
        return [item.model_copy(update={"given_up": None})]

    monkeypatch.setattr(searching, "localised_anew", anew)
    report = TestReport(results=tuple(TESTS), exit_code=1)
    (tmp_path / searching.SPECTRUM).write_text(report.model_dump_json())
    budget = SimpleNamespace(spent=False, seconds_spent=50.0, seconds_left=50.0)
    deps = SimpleNamespace(
        home=tmp_path, budget=budget, emit=lambda _: None, task=SimpleNamespace(budget_seconds=100)
    )
    item = PlanItem(
        number=1,
        kind=Kind.BUG,
        title="one failing test",
        path="b.py",
        first_line=1,
        last_line=2,
        targets=(test,),
        status=Status.OPEN,
        given_up=GivenUp(round=5, by_time=True, accepted=0),
    )
    state: RunState = {
        "baseline": dump(report),
        "now": dump(report),
        "edits": {"a.py": "new"},
        "accepted": [{"edits": {}}],
    }
    found = turns.next_turn(cast(Deps, deps), state, [item], {})
    assert bool(asked) is localised
    assert found["round"] == first
