"""Whose turn it is: the next open bug, or one that had its turn and can use what others left."""

from __future__ import annotations

from agent import finishing, planning, searching
from agent.deps import Deps
from agent.events import Doing
from agent.repair.outcomes import passes
from agent.state import PlanItem, RunState, dump, report_of


def next_turn(deps: Deps, state: RunState, items: list[PlanItem], changes: RunState) -> RunState:
    """On to the next open item; behind the last one, to those that deserve a second turn."""
    accepted = len(changes.get("accepted", state.get("accepted", [])))
    kept = finishing.reserve(report_of(state, "baseline"), deps.task.budget_seconds)
    following = planning.next_open(items, 0)
    if following == len(items):
        items = planning.reopened(items, accepted, deps.budget, kept)
        following = planning.next_open(items, 0)
    items = _looked_at_again(deps, {**state, **changes}, items, following)
    return {
        **changes,
        "items": [dump(item) for item in items],
        **begun(deps, items, following, kept),
        "round": planning.first_round(items[following:], accepted),
        "partial": [],
        "seconds": deps.budget.seconds_spent,
    }


def begun(deps: Deps, items: list[PlanItem], current: int, reserve: float = 0.0) -> RunState:
    """What changes when an item's turn begins; `reserve` seconds are kept as for `share`."""
    return {
        "current": current,
        "batch": [],
        "passed_over": None,
        "held": None,
        "since": deps.budget.seconds_spent,
        "until": planning.share(deps.budget, items, current, reserve),
    }


def _looked_at_again(
    deps: Deps, state: RunState, items: list[PlanItem], following: int
) -> list[PlanItem]:
    """The items, the next one localised anew where edits since have changed how its tests fail.

    Where its tests run nothing that was edited since it was given up, its search goes on instead.
    """
    if following == len(items) or deps.budget.spent or finishing.is_slow_run(deps, state):
        return items
    item, now = items[following], report_of(state, "now")
    accepted, edits = state.get("accepted", []), state.get("edits", {})
    mended = any(passes(target, now) for target in item.targets)
    left = item.given_up
    if left is not None and left.accepted < len(accepted) and not mended:
        if not searching.touched(deps, item, accepted[left.accepted]["edits"], edits):
            left = left.model_copy(update={"accepted": len(accepted)})
            same = item.model_copy(update={"given_up": left})
            return [*items[:following], same, *items[following + 1 :]]
    elif not mended:
        return items
    deps.emit(Doing(text="Looking again where the tests lead that still fail"))
    first, *others = searching.localised_anew(deps, item, edits, now)
    return planning.number([*items[:following], first, *items[following + 1 :], *others])
