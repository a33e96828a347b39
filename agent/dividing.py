"""Several faults behind one suspect: what mends most of the tests is kept, the rest goes on.

Failing tests are grouped by what they run, and faults that are near each other share a group. Then
no single edit mends all of it; those that remain are localised anew, with the first edit in place.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.deps import Deps
from agent.repair.outcomes import passes
from agent.repair.seams import Ranking, Verdict
from agent.searching import evidence
from agent.state import Kind, PlanItem, RunState
from tools.report import TestReport

ROUNDS, MORE_ROUNDS = 4, 8
"""Rounds in which an edit that mends all of the tests may still turn up: where another one mends
more than half of them, and where it mends fewer."""
MOST = 0.5
"""Share of the tests above which an edit mends most of them."""


def worth(deps: Deps, state: RunState, item: PlanItem, partial: Sequence[Verdict]) -> Ranking:
    """The edits that mend most of the item's tests, the likeliest first; none while it is early.

    With a single suspect there is nowhere else that another fault could be.
    """
    best = max((verdict.target_passed for verdict in partial), default=0)
    rounds = ROUNDS if best > MOST * len(item.targets) else MORE_ROUNDS
    late = state.get("round", 0) + 1 >= rounds
    partly = 0 < best < len(item.targets)
    if item.kind is not Kind.BUG or not late or not partly or len(item.suspects) < 2:
        return Ranking()
    most = [verdict for verdict in partial if verdict.target_passed == best]
    return deps.ranker.rank(most, evidence(deps, state, item), deps.budget)


def narrowed(item: PlanItem, verdict: Verdict, report: TestReport) -> tuple[PlanItem, Verdict]:
    """The item with those of its tests that pass in `report`, and the edit that mends them all."""
    mended = tuple(target for target in item.targets if passes(target, report))
    count, others = len(mended), len(item.targets) - len(mended)
    title = f"{count} failing test{'s' * (count > 1)}{item.title[item.title.find(':') :]}"
    told = f"mends {count} of the {count + others} tests that fail here; the others go on"
    whole = verdict.model_copy(update={"target_passed": count, "target_total": count})
    evidence_ = (*item.evidence, told)
    return item.model_copy(update={"targets": mended, "title": title, "evidence": evidence_}), whole
