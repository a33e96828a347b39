"""Two edits at once: what turned some failing tests green, with one more template edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, islice

from agent.repair.budget import Budget
from agent.repair.seams import Candidate, Evidence, Proposer, Verdict

MAX_BASES = 6


class PairProposer:
    """Joins partial successes of earlier rounds to edits elsewhere in the suspects."""

    name = "pair"

    def __init__(self, single: Proposer, *, partners: int = 80, bases: int = MAX_BASES) -> None:
        self._single = single
        self._partners = partners
        self._bases = bases

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Pairs of partial successes, then of one with the likeliest other edits.

        Nothing without a partial success.
        """
        bases = [verdict.candidate for verdict in partial(evidence.tried)[: self._bases]]
        if not bases:
            return
        for one, other in combinations(bases, 2):
            if not _overlap(one, other):
                yield _join(one, other)
        for partner in islice(self._single.propose(evidence, budget), self._partners):
            for base in bases:
                if not _overlap(base, partner):
                    yield _join(base, partner)


def partial(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those that mend some of their targets and break nothing, the most first.

    Not pairs: such a pair was made of an edit that is among them and of a guess. What the guess is
    worth is found for itself once the other is in place, with what then still fails.
    """
    kept = [
        verdict
        for verdict in verdicts
        if 0 < verdict.target_passed < verdict.target_total
        and not (verdict.regressions or verdict.rejected)
        and verdict.candidate.strategy != PairProposer.name
    ]
    return sorted(kept, key=lambda verdict: -verdict.target_passed)


def _overlap(one: Candidate, other: Candidate) -> bool:
    return any(
        a.path == b.path and a.start <= b.end and b.start <= a.end
        for a in one.splices
        for b in other.splices
    )


def _join(base: Candidate, partner: Candidate) -> Candidate:
    weight = None
    if base.weight is not None and partner.weight is not None:
        weight = base.weight * partner.weight / 10
    return Candidate(
        strategy="pair",
        operator=f"{base.operator} and {partner.operator}",
        splices=(*base.splices, *partner.splices),
        weight=weight,
    )
