"""The search: one step a round gives a batch of candidates, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from agent.repair.budget import Budget, BudgetSpent
from agent.repair.mistakes import Hear, left_out, raised
from agent.repair.pace import Pace
from agent.repair.schedule import History, Step, ordered, proposing_seconds
from agent.repair.seams import Candidate, Evidence

OPENING = 2
"""Rounds in front of the steps that live on what was found before."""


@dataclass(frozen=True)
class Asked:
    """What a step gave."""

    name: str
    suspect: int | None
    count: int
    """Its candidates."""
    seconds: float


@dataclass(frozen=True)
class Batch:
    candidates: tuple[Candidate, ...]
    round: int
    """The round that it was made in; the next one to ask for is `round + 1`."""
    step: Asked | None = None
    """The step that proposed them; None where no search did."""
    passed_over: int | None = None
    """The first round with a step that the time left was too short for: others went before it."""


class Search:
    """Steps in the order of their expected gain per second.

    A round's batch depends on nothing but the evidence, the history and the seed.
    """

    def __init__(
        self, steps: Sequence[Step], history: History | None = None, hear: Hear = raised
    ) -> None:
        """`hear`: told of a step that is cut short by a mistake of its own."""
        self._steps = tuple(steps)
        self._history = history or History()
        self._hear = hear
        self._pace = Pace()

    def only(self, wanted: Sequence[str]) -> Search:
        """The same steps of nothing but these strategies; `rewrite:16` takes its first 16.

        Raises ValueError, with the names that there are, for any other.
        """
        limits: dict[str, int | None] = {}
        known = dict.fromkeys(step.proposer.name for step in self._steps)
        for word in wanted:
            name, _, count = word.partition(":")
            if name not in known or (count and not count.isdecimal()):
                raise ValueError(f"There is no strategy {word!r}; there are {', '.join(known)}.")
            limits[name] = int(count) if count else None
        return Search(_limited(self._steps, limits), self._history, self._hear)

    def rounds(self, evidence: Evidence) -> list[Step]:
        """The step of each round, first things first."""
        steps = ordered(self._steps, evidence, self._history)
        following = [step for step in steps if step.follows]
        others = [step for step in steps if not step.follows]
        return [*others[:OPENING], *following, *others[OPENING:]]

    def batch(
        self, number: int, evidence: Evidence, budget: Budget, passed_over: int | None = None
    ) -> Batch | None:
        """The first batch from round `number` on that is not empty.

        A step that the time left is likely too short for is passed over; behind the last round the
        first of them is tried all the same (`passed_over`: its round, when passed over earlier).
        None when nothing is left, or the budget is spent.
        """
        rounds = self.rounds(evidence)
        for position, step in enumerate(rounds[number:], number):
            if budget.spent:
                return None
            if not self._fits(step, evidence, budget):
                passed_over = position if passed_over is None else passed_over
            elif batch := self._batch(position, step, evidence, budget):
                return replace(batch, passed_over=passed_over)
        if passed_over is None or number > len(rounds) or budget.spent:
            return None
        batch = self._batch(len(rounds), rounds[passed_over], evidence, budget)
        return batch and replace(batch, passed_over=passed_over)

    def batches(self, evidence: Evidence, budget: Budget, start: int = 0) -> Iterator[Batch]:
        """All batches from round `start` on, made as they are taken."""
        number, passed_over = start, None
        while (batch := self.batch(number, evidence, budget, passed_over)) is not None:
            yield batch
            number, passed_over = batch.round + 1, batch.passed_over

    def next_steps(self, number: int, evidence: Evidence) -> tuple[str, ...]:
        """What would be tried from round `number` on; empty behind the last one."""
        return tuple(step.name for step in self.rounds(evidence)[number:])

    def _batch(self, position: int, step: Step, evidence: Evidence, budget: Budget) -> Batch | None:
        """The step's candidates; None when there is none."""
        began = budget.clock()
        found = self._taken(step, evidence, budget)
        if not found:
            return None
        seconds = budget.clock() - began
        self._pace.saw(step.name, self._estimated(step, evidence), seconds)
        asked = Asked(step.name, step.suspect, len(found), seconds)
        return Batch(tuple(found), position, asked)

    def _fits(self, step: Step, evidence: Evidence, budget: Budget) -> bool:
        """Whether the step's candidates are likely there before the time is over."""
        seconds = self._estimated(step, evidence) * self._pace.of(step.name)
        return seconds <= budget.seconds_left

    def _estimated(self, step: Step, evidence: Evidence) -> float:
        return proposing_seconds(step, evidence, self._history)

    def _taken(self, step: Step, evidence: Evidence, budget: Budget) -> list[Candidate]:
        """The step's candidates; those it had when the time was over, or when it failed."""
        found: list[Candidate] = []
        with suppress(BudgetSpent), left_out(f"The step {step.name}", self._hear):
            for candidate in islice(step.proposer.propose(evidence, budget), step.first, step.last):
                found.append(candidate)
        return found


def _limited(steps: Sequence[Step], limits: Mapping[str, int | None]) -> list[Step]:
    """The steps of the named strategies, cut where a strategy has a limit."""
    kept = []
    for step in steps:
        if step.proposer.name not in limits:
            continue
        ends = [end for end in (step.last, limits[step.proposer.name]) if end is not None]
        last = min(ends) if ends else None
        if last is None or step.first < last:
            kept.append(replace(step, last=last))
    return kept
