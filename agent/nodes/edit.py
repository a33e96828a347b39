"""Proposes candidates for the item in work, in the workspace only; nothing is decided here."""

from __future__ import annotations

from dataclasses import asdict

from langgraph.runtime import Runtime

from agent import reading, searching, tidying
from agent.deps import Deps
from agent.events import PhaseStarted
from agent.repair.search import Batch
from agent.state import Kind, PlanItem, RunState, current_item, dump


def edit(state: RunState, runtime: Runtime[Deps]) -> RunState:
    deps = runtime.context
    item = current_item(state)
    assert item is not None, "the edge to edit is taken only while an item is open"
    number = state.get("round", 0)
    deps.workspace.reset(state.get("edits", {}))
    deps.emit(
        PhaseStarted(
            phase="edit",
            detail=f"{item.number}. {item.kind.value} in {item.place}, attempt {number + 1}",
        )
    )
    late = searching.part_is_over(deps, state, reading.LATE)
    read = _read(deps, state, item) if late else {}
    found = _propose(deps, state, item, number)
    if not (late or found.candidates):
        read = _read(deps, state, item)  # nothing is left to try
    candidates = [dump(candidate) for candidate in found.candidates]
    deps.record.write(
        "proposed",
        item=item.number,
        round=found.round,
        steps=[asdict(found.step)] if found.step else [],
        candidates=candidates,
    )
    return {
        **read,
        "batch": candidates,
        "round": found.round,
        "passed_over": found.passed_over,
        "seconds": deps.budget.seconds_spent,
    }


def _read(deps: Deps, state: RunState, item: PlanItem) -> RunState:
    """Once in a run, for the first bug that is not mended soon and has time left.

    One with a mend that is held back is as good as mended.
    """
    if item.kind is not Kind.BUG or "findings" in state or state.get("held"):
        return {}
    if state.get("round", 0) < reading.AFTER_ROUNDS:
        return {}
    if searching.time_is_over(deps, state):
        return {}
    if deps.task.budget_seconds < reading.SHORTEST_BUDGET:
        return {}
    findings, unreal = reading.read(deps, item)
    for reason in unreal:
        deps.record.write("dropped", reason=reason)
    return {
        "findings": [dump(finding) for finding in findings],
        "dropped": [*state.get("dropped", []), *unreal],
    }


def _propose(deps: Deps, state: RunState, item: PlanItem, number: int) -> Batch:
    """The next candidates, and the round of the search that they come from."""
    if item.kind is Kind.BUG:
        nothing = Batch((), number, passed_over=state.get("passed_over"))
        return searching.batch(deps, state, item) or nothing
    return Batch(tidying.candidates(deps, item) if number == 0 else (), number)
