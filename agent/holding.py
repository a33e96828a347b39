"""Survivors that are held back while the search is asked for likelier ones.

An edit that passes the tests and that the model finds far less likely than the code as it was is
often not what was meant, and then the next question finds the right one.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from agent import searching
from agent.deps import Deps
from agent.repair.seams import Ranking, Verdict
from agent.state import PlanItem, RunState

LEAST = (-2.0, -4.0)
"""Nats by which the model has to like each place of the best survivor, less those of the code as it
was, in the first rounds; behind them any is taken. Of 56 small bugs for which templates had
survivors the best of them was wrong in five: at -9.0, -5.2, -4.3, -3.2 and -0.9 nats. What was
found later was right in five of five, at -4.1 to -10.3."""
SHARE = 0.5
"""Of an item's time; behind it nothing is held back any more."""


class Held(BaseModel):
    """What passes the tests so far."""

    model_config = ConfigDict(frozen=True)

    ranking: Ranking
    numbers: tuple[int, ...]
    """For each of the ranking's order, as how many-th of its item it was tried."""


def held(state: RunState) -> Held | None:
    """What was held back for the item in work."""
    value = state.get("held")
    return Held.model_validate(value) if value else None


def joined(
    deps: Deps, state: RunState, before: Held | None, item: PlanItem, verdicts: Sequence[Verdict]
) -> Held | None:
    """What was held `before`, ranked anew together with those of a round's `verdicts` that survive.

    `before` itself when none does. `item` has counted the verdicts already.
    """
    first = item.tried - len(verdicts) + 1
    fresh = [
        (first + place, verdict)
        for place, verdict in enumerate(verdicts)
        if verdict.survives and not searching.refused(deps, state, verdict)
    ]
    if not fresh:
        return before
    known = [] if before is None else zip(before.numbers, before.ranking.order, strict=True)
    every = [*known, *fresh]
    survivors = [verdict for _, verdict in every]
    early = state.get("round", 0) < len(LEAST)
    ranking = deps.ranker.rank(
        survivors, searching.evidence(deps, state, item), deps.budget, lone=early
    )
    numbers = {id(verdict): number for number, verdict in every}
    return Held(ranking=ranking, numbers=tuple(numbers[id(one)] for one in ranking.order))


def is_to_wait(deps: Deps, state: RunState, ranking: Ranking) -> bool:
    """Whether another round is tried before the first of the ranking is taken."""
    likely = _is_likely(ranking, state.get("round", 0))
    return not (likely or searching.part_is_over(deps, state, SHARE))


def _is_likely(ranking: Ranking, number: int) -> bool:
    """Whether the first one is likely enough for this round."""
    if number >= len(LEAST):
        return True
    first = ranking.order[0].candidate
    if ranking.liked is None:
        # An edit of the model's own was not read again: it is likely, or was not proposed.
        return first.log_probability is not None or number > 0
    return ranking.liked >= LEAST[number] * len(first.splices)
