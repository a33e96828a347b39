"""Two edits at once: what turned some failing tests green, with one more template edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from agent.repair.seams import Budget, Candidate, Evidence, Proposer, Verdict

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
        bases = _partial(evidence)[: self._bases]
        if not bases:
            return
        for one, other in combinations(bases, 2):
            if not _overlap(one, other):
                yield _join(one, other)
        for partner in islice(self._single.propose(evidence, budget), self._partners):
            for base in bases:
                if not _overlap(base, partner):
                    yield _join(base, partner)


def without_idle(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those of which no part mends as many tests by itself: what a part adds nothing to is not
    another success to build upon, and there are soon a hundred of them."""
    return [
        verdict
        for verdict in verdicts
        if not any(_does_as_much(other, verdict) for other in verdicts)
    ]


def _does_as_much(part: Verdict, whole: Verdict) -> bool:
    return part.target_passed >= whole.target_passed and set(part.candidate.splices) < set(
        whole.candidate.splices
    )


def _partial(evidence: Evidence) -> list[Candidate]:
    """Candidates that mended some of the targets and broke nothing, the best first."""
    kept = [
        verdict
        for verdict in evidence.tried
        if 0 < verdict.target_passed < verdict.target_total
        and not verdict.regressions
        and not verdict.rejected
    ]
    kept.sort(key=lambda verdict: -verdict.target_passed)
    return [verdict.candidate for verdict in kept]


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
