"""The model reads the code of a bug only where that costs the search nothing it needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent import reading
from agent.deps import Deps
from agent.nodes import edit
from agent.state import Kind, PlanItem, RunState


@pytest.mark.parametrize(
    ("kind", "state", "spent", "budget", "reads"),
    [
        (Kind.BUG, {"until": 100.0}, 60.0, 300.0, True),
        (Kind.BUG, {"until": 100.0}, 100.0, 300.0, False),
        (Kind.BUG, {}, 100.0, 300.0, True),
        (Kind.BUG, {}, 10.0, reading.SHORTEST_BUDGET - 1, False),
        (Kind.BUG, {"until": 100.0, "findings": []}, 60.0, 300.0, False),
        (Kind.DUPLICATION, {"until": 100.0}, 60.0, 300.0, False),
    ],
)
def test_the_first_bug_that_has_time_left_is_read(
    kind: Kind,
    state: RunState,
    spent: float,
    budget: float,
    reads: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[PlanItem] = []

    def read(_: Deps, item: PlanItem) -> tuple[list[Any], list[str]]:
        asked.append(item)
        return [], []

    monkeypatch.setattr(reading, "read", read)
    deps = SimpleNamespace(
        budget=SimpleNamespace(seconds_spent=spent), task=SimpleNamespace(budget_seconds=budget)
    )
    item = cast(PlanItem, SimpleNamespace(kind=kind))
    found = edit._read(cast(Deps, deps), state, item)
    assert bool(asked) is reads
    assert ("findings" in found) is reads
