"""The order in which strategies are tried, one batch a round, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from agent.repair.seams import Budget, Candidate, Evidence, Proposer


@dataclass(frozen=True)
class Step:
    """One round: candidates `first` to `last` (exclusive) of one proposer."""

    proposer: Proposer
    first: int = 0
    last: int | None = None

    def limited(self, count: int | None) -> Step:
        """The part of the step among the proposer's first `count` candidates; None for all."""
        ends = [end for end in (self.last, count) if end is not None]
        return Step(self.proposer, self.first, min(ends) if ends else None)


@dataclass(frozen=True)
class Batch:
    strategy: str
    candidates: tuple[Candidate, ...]
    round: int
    """The round that it was made in; the next one to ask for is `round + 1`."""


class Search:
    """A fixed plan of rounds; a round's batch depends on nothing but the evidence and its seed."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)

    @property
    def rounds(self) -> int:
        return len(self._steps)

    def only(self, wanted: Sequence[str]) -> Search:
        """The same plan with nothing but these strategies; `rewrite:16` takes its first 16.

        Raises ValueError, with the names that there are, for any other.
        """
        limits: dict[str, int | None] = {}
        known = dict.fromkeys(step.proposer.name for step in self._steps)
        for word in wanted:
            name, _, count = word.partition(":")
            if name not in known or (count and not count.isdecimal()):
                raise ValueError(f"There is no strategy {word!r}; there are {', '.join(known)}.")
            limits[name] = int(count) if count else None
        steps = [
            step.limited(limits[step.proposer.name])
            for step in self._steps
            if step.proposer.name in limits
        ]
        return Search([step for step in steps if step.last is None or step.first < step.last])

    def batch(self, number: int, evidence: Evidence, budget: Budget) -> Batch | None:
        """The first batch from round `number` on that is not empty.

        None when no round is left, or the budget is spent.
        """
        for position in range(number, len(self._steps)):
            if budget.spent:
                return None
            step = self._steps[position]
            taken = islice(step.proposer.propose(evidence, budget), step.first, step.last)
            candidates = tuple(taken)
            if candidates:
                return Batch(step.proposer.name, candidates, position)
        return None

    def batches(self, evidence: Evidence, budget: Budget, start: int = 0) -> Iterator[Batch]:
        """All batches from round `start` on, made as they are taken."""
        number = start
        while (batch := self.batch(number, evidence, budget)) is not None:
            yield batch
            number = batch.round + 1

    def next_strategy(self, number: int) -> str:
        """What round `number` would try; empty behind the last one."""
        return self._steps[number].proposer.name if number < len(self._steps) else ""


def usual_search(
    templates: Proposer,
    branch: Proposer | None = None,
    rewrite: Proposer | None = None,
    pair: Proposer | None = None,
) -> Search:
    """Cheapest first: a slice of templates, branches, more templates, rewrites, the rest."""
    steps = [Step(templates, 0, 60)]
    if branch is not None:
        steps.append(Step(branch, 0, 300))
    steps.append(Step(templates, 60, 400))
    if pair is not None:
        steps.append(Step(pair, 0, 300))
    if rewrite is not None:
        steps.append(Step(rewrite, 0, 64))
    steps.append(Step(templates, 400, 2_000))
    return Search(steps)
