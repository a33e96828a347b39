"""The repository's own tests decide: on every candidate, then once more on the winner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langgraph.runtime import Runtime

from agent import alternatives, dividing, finishing, holding, planning, searching, turns
from agent.deps import Deps
from agent.events import ItemFinished, Note, PhaseStarted, SurvivorsRanked, TestsFinished
from agent.holding import Held
from agent.repair import combine
from agent.repair.affordable import merged
from agent.repair.outcomes import passes, regressed
from agent.repair.seams import Candidate, Ranking, Verdict
from agent.state import (
    GivenUp,
    Kind,
    PlanItem,
    RunState,
    Status,
    current_item,
    dump,
    items_of,
    report_of,
)
from tools.report import Outcome, TestReport

PARTIAL_KEPT = 8
CONFIRMATIONS = 3
"""Winners that fail the clean run before the round counts as lost."""
UNLIKELY = "The tests pass, but the model does not find the edit likely: others are tried first."


@dataclass(frozen=True)
class Confirmed:
    """What a clean run with the winner in place told."""

    report: TestReport
    """Of the whole suite; where that is slow, as far as it is known by now."""
    near: int | None
    """How many tests ran; None for the whole suite."""


@dataclass(frozen=True)
class _Others:
    """Survivors behind the accepted one, and why each of them ranks lower."""

    verdicts: tuple[Verdict, ...] = ()
    whys: tuple[str, ...] = ()


def verify(state: RunState, runtime: Runtime[Deps]) -> RunState:
    changes = _verify(runtime.context, state)
    seen: RunState = {**state, **changes}
    return {**changes, **finishing.finish(runtime.context, seen)}


def _verify(deps: Deps, state: RunState) -> RunState:
    item = current_item(state)
    assert item is not None, "verify follows edit, which had an item"
    batch = [Candidate.model_validate(c) for c in state.get("batch", [])]
    if not batch:
        return _close(deps, state, item)
    count = len(batch)
    deps.emit(PhaseStarted(phase="verify", detail=f"{count} candidate{'s' * (count > 1)}"))
    if item.kind is not Kind.BUG:
        return _tidy(deps, state, item, batch[0])
    verdicts = searching.verdicts(deps, state, item, batch)
    item = item.model_copy(update={"tried": item.tried + len(verdicts)})
    held = holding.held(state)
    found = holding.joined(deps, state, held, item, verdicts)
    if found is not None:
        if found is not held:
            item = _counted(deps, item, found)
        if holding.is_to_wait(deps, state, found.ranking):
            deps.emit(Note(text=UNLIKELY))
        elif done := _take(deps, state, item, found.ranking):
            return done
        else:
            found = None
    before = [Verdict.model_validate(verdict) for verdict in state.get("partial", [])]
    partial = combine.partial([*before, *verdicts])[:PARTIAL_KEPT]
    if found is None:
        divided = _divide(deps, state, item, partial)
        if not isinstance(divided, list):
            return divided
        partial = divided
    changes: RunState = {
        "items": _with(state, item),
        "batch": [],
        "round": searching.next_round(deps, state, untested=len(verdicts) < len(batch)),
        "partial": [dump(verdict) for verdict in partial],
        "held": dump(found) if found else None,
        "seconds": deps.budget.seconds_spent,
    }
    if (found or partial) and deps.budget.spent:
        # No other node follows that could keep what was found.
        return _close(deps, {**state, **changes}, item)
    return changes


def _counted(deps: Deps, item: PlanItem, found: Held) -> PlanItem:
    """The item with what is known of its survivors by now, which is told as well."""
    ranking = found.ranking
    deps.emit(
        SurvivorsRanked(
            item=item.number,
            numbers=found.numbers,
            behaviours=ranking.behaviours,
            reasons=tuple("; ".join(reasons) for reasons in ranking.reasons),
        )
    )
    return item.model_copy(
        update={"survivors": len(ranking.order), "behaviours": ranking.behaviours}
    )


def _take(deps: Deps, state: RunState, item: PlanItem, ranking: Ranking) -> RunState | None:
    """Accept the first survivor that passes a clean run; None when none of the likeliest does."""
    for place, verdict in enumerate(ranking.order[:CONFIRMATIONS]):
        confirmed = _confirm(deps, state, item, verdict)
        if confirmed is not None:
            shown = alternatives.told(deps, state, ranking, place)
            item = item.model_copy(update={"agreeing": ranking.agreeing[place], **shown})
            others = _Others(ranking.order[place + 1 :], alternatives.whys(ranking, place))
            return _accept(deps, state, item, verdict, confirmed, others)
    return None


def _divide(
    deps: Deps, state: RunState, item: PlanItem, partial: Sequence[Verdict]
) -> RunState | list[Verdict]:
    """Keep what mends most of the tests, and make the others an item of their own.

    Else what is left of `partial`: what a clean run refused is not run again round by round.
    """
    refused = []
    for verdict in dividing.worth(deps, state, item, partial).order[:CONFIRMATIONS]:
        confirmed = _confirm(deps, state, item, verdict)
        if confirmed is None:
            refused.append(verdict)
            continue
        narrow, whole = dividing.narrowed(item, verdict, confirmed.report)
        if narrow.targets and len(narrow.targets) < len(item.targets):
            return _accept(deps, state, narrow, whole, confirmed)
    return [verdict for verdict in partial if verdict not in refused]


def _tidy(deps: Deps, state: RunState, item: PlanItem, candidate: Candidate) -> RunState:
    """Duplication and style make no test pass: those that passed must go on to do so."""
    kept = finishing.reserve(report_of(state, "baseline"), deps.task.budget_seconds)
    if kept and deps.budget.seconds_left < kept:
        return _give_up(deps, state, item, "The rest of the budget is kept for the whole suite.")
    verdict = Verdict(candidate=candidate, target_passed=0, target_total=0)
    item = item.model_copy(update={"tried": 1, "survivors": 1})
    confirmed = _confirm(deps, state, item, verdict)
    if confirmed is not None:
        return _accept(deps, state, item, verdict, confirmed)
    return _give_up(deps, state, item, "The tests do not pass with the change.")


def _confirm(deps: Deps, state: RunState, item: PlanItem, verdict: Verdict) -> Confirmed | None:
    """A clean run in a process of its own with the winner in place; None when it fails.

    Of the whole suite, or where that is slow, of the tests near the edit.
    """
    now = report_of(state, "now")
    near = finishing.nearby(deps, state, item, verdict.candidate)
    if near is not None and not near:
        # Then it rests on the whole suite behind all items, if there will be such a run.
        return None if report_of(state, "baseline").timed_out else Confirmed(now, 0)
    deps.workspace.reset(searching.edited(deps, state, verdict.candidate))
    report = deps.run_tests(near, clean=True)
    good = [t for t in now.ids(Outcome.PASSED) if t not in _flaky(state)]
    worse = regressed([t for t in good if near is None or t in near], report)
    lost = [t for t in item.targets if not passes(t, report)]
    if item.kind is Kind.BUG and verdict.survives and lost:
        worse = (*worse, *lost)
    deps.record.write("confirmed", item=item.number, report=dump(report), worse=worse)
    if worse:
        deps.emit(Note(text=f"A clean run refused the candidate: {worse[0]} fails with it."))
        return None
    deps.emit(TestsFinished.of(report, "confirmed"))
    if near is None:
        return Confirmed(report, None)
    return Confirmed(merged(now, report), len(report.results))


def _accept(
    deps: Deps,
    state: RunState,
    item: PlanItem,
    verdict: Verdict,
    confirmed: Confirmed,
    others: _Others = _Others(),
) -> RunState:
    report, whole = confirmed.report, confirmed.near is None
    note = "" if whole else f"Checked by itself with {confirmed.near} tests near the edit."
    edits = searching.edited(deps, state, verdict.candidate)
    done = item.model_copy(
        update={
            "status": Status.FIXED if verdict.survives else Status.PARTLY,
            "patch": deps.workspace.diff_between(state.get("edits", {}), edits),
            "chosen": verdict.model_copy(update={"whole_suite": whole}),
            "note": note,
        }
    )
    deps.record.write("accepted", item=dump(done))
    deps.emit(ItemFinished(item=done))
    items = _settle(deps, _items(state, done), report, done)
    items = planning.number([*items, *searching.newly_failing(deps, state, items, edits, report)])
    accepted = finishing.kept(state, done, others.verdicts, others.whys)
    return turns.next_turn(
        deps, state, items, {"edits": edits, "now": dump(report), "accepted": accepted}
    )


def _close(deps: Deps, state: RunState, item: PlanItem) -> RunState:
    """Nothing is left to try: take what was held back, else the best partial mend."""
    found = holding.held(state)
    if found is not None and (done := _take(deps, state, item, found.ranking)):
        return done
    for kept in state.get("partial", [])[:CONFIRMATIONS]:
        verdict = Verdict.model_validate(kept)
        confirmed = _confirm(deps, state, item, verdict)
        if confirmed is not None:
            return _accept(deps, state, item, verdict, confirmed)
    if item.kind is not Kind.BUG:
        return _give_up(deps, state, item, "Another edit took it away or moved it.")
    passed_over, number = state.get("passed_over"), state.get("round", 0)
    left = GivenUp(
        round=number if passed_over is None else min(passed_over, number),
        by_time=passed_over is not None or searching.time_is_over(deps, state),
        accepted=len(state.get("accepted", [])),
    )
    item = item.model_copy(update={"given_up": left})
    return _give_up(deps, state, item, f"{item.tried} candidates were tried and none passed.")


def _give_up(deps: Deps, state: RunState, item: PlanItem, note: str) -> RunState:
    done = item.model_copy(update={"status": Status.FAILED, "note": note})
    deps.emit(ItemFinished(item=done))
    return turns.next_turn(deps, state, _items(state, done), {})


def _settle(deps: Deps, items: list[PlanItem], report: TestReport, by: PlanItem) -> list[PlanItem]:
    """Items whose tests all pass now had the same cause: the item just mended takes them over."""
    same = [
        item
        for item in items
        if item.status in (Status.OPEN, Status.FAILED)
        and item.targets
        and all(passes(target, report) for target in item.targets)
    ]
    told = tuple(f"the same edit mends `{target}`" for item in same for target in item.targets)
    settled = {by.number: by.model_copy(update={"evidence": (*by.evidence, *told)})}
    for item in same:
        note = f"Mended with item {by.number}."
        settled[item.number] = item.model_copy(update={"status": Status.SAME_CAUSE, "note": note})
        deps.emit(ItemFinished(item=settled[item.number]))
    return [settled.get(item.number, item) for item in items]


def _flaky(state: RunState) -> list[str]:
    return state.get("flaky", [])


def _items(state: RunState, changed: PlanItem) -> list[PlanItem]:
    return [changed if item.number == changed.number else item for item in items_of(state)]


def _with(state: RunState, changed: PlanItem) -> list[dict[str, object]]:
    return [dump(item) for item in _items(state, changed)]
