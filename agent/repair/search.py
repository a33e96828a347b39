"""The order in which strategies are tried, one batch a round, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from agent.repair.seams import Budget, Candidate, Evidence, Proposer


@dataclass(frozen=True)
class Step:
    """Candidates `first` to `last` (exclusive) of one proposer."""

    proposer: Proposer
    first: int = 0
    last: int | None = None

    def limited(self, count: int | None) -> Step:
        """The part of the step among the proposer's first `count` candidates; None for all."""
        ends = [end for end in (self.last, count) if end is not None]
        return Step(self.proposer, self.first, min(ends) if ends else None)


@dataclass(frozen=True)
class Batch:
    strategies: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    round: int
    """The round that it was made in; the next one to ask for is `round + 1`."""


class Search:
    """A fixed plan of rounds; a round's batch depends on nothing but the evidence and its seed.

    The candidates of one round are judged together: a survivor of a cheap strategy does not win
    only because it came first.
    """

    def __init__(self, rounds: Sequence[Sequence[Step]]) -> None:
        self._rounds = tuple(tuple(steps) for steps in rounds)

    @property
    def rounds(self) -> int:
        return len(self._rounds)

    def only(self, wanted: Sequence[str]) -> Search:
        """The same plan with nothing but these strategies; `rewrite:16` takes its first 16.

        Raises ValueError, with the names that there are, for any other.
        """
        limits: dict[str, int | None] = {}
        known = dict.fromkeys(step.proposer.name for steps in self._rounds for step in steps)
        for word in wanted:
            name, _, count = word.partition(":")
            if name not in known or (count and not count.isdecimal()):
                raise ValueError(f"There is no strategy {word!r}; there are {', '.join(known)}.")
            limits[name] = int(count) if count else None
        return Search([_limited(steps, limits) for steps in self._rounds])

    def batch(self, number: int, evidence: Evidence, budget: Budget) -> Batch | None:
        """The first batch from round `number` on that is not empty.

        None when no round is left, or the budget is spent.
        """
        for position in range(number, len(self._rounds)):
            if budget.spent:
                return None
            names: list[str] = []
            candidates: list[Candidate] = []
            for step in self._rounds[position]:
                names.append(step.proposer.name)
                proposed = step.proposer.propose(evidence, budget)
                candidates += islice(proposed, step.first, step.last)
            if candidates:
                return Batch(tuple(names), tuple(candidates), position)
        return None

    def batches(self, evidence: Evidence, budget: Budget, start: int = 0) -> Iterator[Batch]:
        """All batches from round `start` on, made as they are taken."""
        number = start
        while (batch := self.batch(number, evidence, budget)) is not None:
            yield batch
            number = batch.round + 1

    def next_strategies(self, number: int) -> tuple[str, ...]:
        """What round `number` would try; empty behind the last one."""
        steps = self._rounds[number] if number < len(self._rounds) else ()
        return tuple(step.proposer.name for step in steps)


def _limited(steps: Sequence[Step], limits: Mapping[str, int | None]) -> list[Step]:
    kept = [
        step.limited(limits[step.proposer.name]) for step in steps if step.proposer.name in limits
    ]
    return [step for step in kept if step.last is None or step.first < step.last]


def usual_search(
    templates: Proposer,
    branches: Sequence[Proposer] = (),
    rewrite: Proposer | None = None,
    pair: Proposer | None = None,
) -> Search:
    """Branches, one proposer a round, the first two beside slices of templates; then the rest."""
    branching = [[Step(branch, 0, 300)] for branch in branches]
    first, second = ([*branching, [], []])[:2]
    rounds = [
        [*first, Step(templates, 0, 60)],
        [*second, Step(templates, 60, 400)],
        *branching[2:],
        [Step(pair, 0, 300)] if pair is not None else [],
        [Step(rewrite, 0, 64)] if rewrite is not None else [],
        [Step(templates, 400, 2_000)],
    ]
    return Search([steps for steps in rounds if steps])
