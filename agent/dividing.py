"""Several faults behind one suspect: what mends most of the tests is kept, the rest goes on.

Failing tests are grouped by what they run, and faults that are near each other share a group. Then
no single edit mends all of it; those that remain are localised anew, with the first edit in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.deps import Deps
from agent.repair.outcomes import passes
from agent.repair.seams import Ranking, Verdict
from agent.searching import evidence, part_is_over
from agent.state import Kind, PlanItem, RunState
from tools.report import TestReport


@dataclass(frozen=True)
class Patience:
    """How long an edit that mends all of the tests may still turn up; the sooner end counts."""

    rounds: int
    share: float
    """Of the item's time: on a slow machine few rounds fit into it."""


USUAL, LONGER = Patience(4, 0.2), Patience(7, 0.33)
"""Where another edit mends more than half of the tests, and where it mends fewer."""
MOST = 0.5
"""Share of the tests above which an edit mends most of them."""


def worth(deps: Deps, state: RunState, item: PlanItem, partial: Sequence[Verdict]) -> Ranking:
    """The edits that mend most of the item's tests, the likeliest first; none while it is early.

    With a single suspect there is nowhere else that another fault could be.
    """
    best = max((verdict.target_passed for verdict in partial), default=0)
    partly = 0 < best < len(item.targets)
    if item.kind is not Kind.BUG or not partly or len(item.suspects) < 2:
        return Ranking()
    if not _late(deps, state, USUAL if best > MOST * len(item.targets) else LONGER):
        return Ranking()
    most = [verdict for verdict in partial if verdict.target_passed == best]
    return deps.ranker.rank(most, evidence(deps, state, item), deps.budget)


def _late(deps: Deps, state: RunState, patience: Patience) -> bool:
    return part_is_over(deps, state, patience.share) or state.get("round", 0) + 1 >= patience.rounds


def narrowed(item: PlanItem, verdict: Verdict, report: TestReport) -> tuple[PlanItem, Verdict]:
    """The item with those of its tests that pass in `report`, and the edit that mends them all."""
    mended = tuple(target for target in item.targets if passes(target, report))
    count, others = len(mended), len(item.targets) - len(mended)
    title = f"{count} failing test{'s' * (count > 1)}{item.title[item.title.find(':') :]}"
    told = f"mends {count} of the {count + others} tests that fail here; the others go on"
    whole = verdict.model_copy(update={"target_passed": count, "target_total": count})
    evidence_ = (*item.evidence, told)
    return item.model_copy(update={"targets": mended, "title": title, "evidence": evidence_}), whole
