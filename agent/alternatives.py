"""The survivors that were not chosen: what they change, and why they rank lower."""

from __future__ import annotations

from typing import Any

from agent import searching
from agent.deps import Deps
from agent.repair.seams import Ranking
from agent.state import RunState


def told(deps: Deps, state: RunState, ranking: Ranking, chosen: int) -> dict[str, Any]:
    """The fields of a plan item on the next best survivors behind `chosen`, as many as asked for.

    `chosen` is an index of the ranking's order.
    """
    edits = state.get("edits", {})
    places = range(chosen + 1, min(len(ranking.order), chosen + deps.task.candidates))
    return {
        "alternatives": tuple(
            deps.workspace.diff_between(
                edits, searching.edited(deps, state, ranking.order[place].candidate)
            )
            for place in places
        ),
        "alternatives_why": tuple(why(ranking, chosen, place) for place in places),
    }


def whys(ranking: Ranking, chosen: int) -> tuple[str, ...]:
    """For each survivor behind `chosen` why it ranks lower."""
    return tuple(why(ranking, chosen, place) for place in range(chosen + 1, len(ranking.order)))


def why(ranking: Ranking, chosen: int, place: int) -> str:
    """One sentence on what tells the survivor at `place` from the one at `chosen`."""
    difference = ranking.scores[chosen] - ranking.scores[place]
    if difference >= 0:
        weight = f"weighs {difference:.1f} nats less than the chosen edit"
    else:
        weight = f"weighs {-difference:.1f} nats more by itself, but ranks lower"
    return "; ".join([weight, *_behaviour(ranking, chosen, place), *ranking.reasons[place]])


def _behaviour(ranking: Ranking, chosen: int, place: int) -> list[str]:
    own, other = ranking.behaves[chosen], ranking.behaves[place]
    if not own or not other:
        return []
    if own == other:
        return ["behaves like the chosen one on inputs near the tests' own"]
    count = ranking.agreeing[place]
    return [
        f"behaves differently on inputs near the tests' own, as {count} "
        f"survivor{'s do' if count > 1 else ' does'}; {ranking.agreeing[chosen]} "
        f"behave{'s' * (ranking.agreeing[chosen] == 1)} like the chosen one"
    ]
