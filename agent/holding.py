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
"""Nats by which the model has to like the best survivor, less those of the code as it was: at once,
and when one more round has been tried; then any is taken. Of 56 small bugs for which templates had
survivors the best of them was wrong in five: at -9.0, -5.2, -3.2, -0.9 nats, and one not read."""
SHARE = 0.5
"""Of an item's time; behind it nothing is held back any more."""


class Held(BaseModel):
    """What passes the tests so far, and for how many rounds it has been there."""

    model_config = ConfigDict(frozen=True)

    ranking: Ranking
    numbers: tuple[int, ...]
    """For each of the ranking's order, as how many-th of its item it was tried."""
    rounds: int = 0

    @property
    def is_likely(self) -> bool:
        """Whether the first one may be taken without another question."""
        if self.rounds >= len(LEAST):
            return True
        if self.ranking.liked is None:
            # An edit of the model's own was not read again: it is likely, or was not proposed.
            own = self.ranking.order[0].candidate.log_probability is not None
            return own or self.rounds > 0
        return self.ranking.liked >= LEAST[self.rounds]


def held(state: RunState) -> Held | None:
    """What was held back for the item in work."""
    value = state.get("held")
    return Held.model_validate(value) if value else None


def joined(deps: Deps, state: RunState, item: PlanItem, verdicts: Sequence[Verdict]) -> Held | None:
    """What was held back, ranked anew together with those of a round's `verdicts` that survive.

    None when there is neither. `item` has counted the verdicts already.
    """
    before = held(state)
    first = item.tried - len(verdicts) + 1
    fresh = [
        (first + place, verdict)
        for place, verdict in enumerate(verdicts)
        if verdict.survives and not searching.refused(deps, state, verdict)
    ]
    rounds = 0 if before is None else before.rounds + 1
    if not fresh:
        return before and before.model_copy(update={"rounds": rounds})
    known = [] if before is None else zip(before.numbers, before.ranking.order, strict=True)
    every = [*known, *fresh]
    survivors = [verdict for _, verdict in every]
    ranking = deps.ranker.rank(survivors, searching.evidence(deps, state, item), deps.budget)
    numbers = {id(verdict): number for number, verdict in every}
    order = tuple(numbers[id(verdict)] for verdict in ranking.order)
    return Held(ranking=ranking, numbers=order, rounds=rounds)


def may_wait(deps: Deps, state: RunState) -> bool:
    """Whether the item in work has time for another round."""
    since = state.get("since", 0.0)
    until = state.get("until", deps.task.budget_seconds)
    return deps.budget.seconds_spent - since < SHARE * (until - since)
