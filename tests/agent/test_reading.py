"""The model reads the code of a bug only where that costs the search nothing it needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from langgraph.runtime import Runtime

from agent import reading
from agent.deps import Deps
from agent.nodes import edit
from agent.repair.seams import Candidate
from agent.repair.search import Batch
from agent.state import Kind, PlanItem, RunState

LATER = reading.AFTER_ROUNDS
ITEM = PlanItem(number=1, kind=Kind.BUG, title="t", path="a.py", first_line=1, last_line=1)


@pytest.mark.parametrize(
    ("kind", "state", "spent", "budget", "reads"),
    [
        (Kind.BUG, {"until": 100.0, "round": LATER}, 60.0, 300.0, True),
        (Kind.BUG, {"until": 100.0, "round": LATER}, 100.0, 300.0, False),
        (Kind.BUG, {"round": LATER}, 100.0, 300.0, True),
        (Kind.BUG, {"until": 100.0, "round": LATER - 1}, 60.0, 300.0, False),
        (Kind.BUG, {"round": LATER}, 10.0, reading.SHORTEST_BUDGET - 1, False),
        (Kind.BUG, {"until": 100.0, "round": LATER, "findings": []}, 60.0, 300.0, False),
        (Kind.BUG, {"until": 100.0, "round": LATER, "held": {"any": 1}}, 60.0, 300.0, False),
        (Kind.DUPLICATION, {"until": 100.0, "round": LATER}, 60.0, 300.0, False),
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


@pytest.mark.parametrize(
    ("spent", "left", "order"),
    [
        (60.0, True, ["propose"]),
        (80.0, True, ["read", "propose"]),
        (60.0, False, ["propose", "read"]),
        (80.0, False, ["read", "propose"]),
    ],
)
def test_it_is_read_late_or_when_nothing_is_left_to_try(
    spent: float, left: bool, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def propose(*_: object) -> Batch:
        done.append("propose")
        return Batch((Candidate(strategy="template", splices=()),) if left else (), LATER)

    def read(*_: object) -> RunState:
        done.append("read")
        return {"findings": []}

    monkeypatch.setattr(edit, "_propose", propose)
    monkeypatch.setattr(edit, "_read", read)
    monkeypatch.setattr(edit, "current_item", lambda _: ITEM)
    deps = SimpleNamespace(
        budget=SimpleNamespace(seconds_spent=spent),
        task=SimpleNamespace(budget_seconds=300.0),
        workspace=SimpleNamespace(reset=lambda _: None),
        emit=lambda _: None,
        record=SimpleNamespace(write=lambda *_, **__: None),
    )
    runtime = cast(Runtime[Deps], SimpleNamespace(context=deps))
    changes = edit.edit({"since": 0.0, "until": 100.0, "round": LATER}, runtime)
    assert done == order
    assert ("findings" in changes) is ("read" in order)
