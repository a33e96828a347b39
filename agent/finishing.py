"""Slow suites: an edit is checked with the tests near it, all edits with the whole suite once.

So the whole suite runs twice in a run, before any edit and behind all of them. Where it refuses,
the edit that it refuses gives way to the next survivor of its item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from agent import searching
from agent.baseline import without_interrupted
from agent.deps import Deps
from agent.events import Doing, ItemFinished, Note, TestsFinished
from agent.repair.affordable import edited_lines, is_slow, merged, near, usual_seconds
from agent.repair.outcomes import passes, regressed
from agent.repair.seams import Candidate, Verdict
from agent.state import PlanItem, RunState, Status, current_item, dump, items_of, report_of
from tools.report import Outcome, TestReport

NEAR_SECONDS, NEAR_SHARE = 10.0, 0.05
"""What the tests near a winner may take, whichever is more: seconds, or a share of the budget."""
RESERVED = 1.2
"""Of the first whole run's time, kept for the last one."""
STANDBY = 3
"""Survivors behind the winner that may take its place."""
REFUSING = 200
"""Tests that the whole suite failed with, and that a change of edits is tried with."""


def is_slow_run(deps: Deps, state: RunState) -> bool:
    return is_slow(report_of(state, "baseline"), deps.task.budget_seconds)


def reserve(baseline: TestReport, budget_seconds: float) -> float:
    """Seconds to keep for the last run of the whole suite; 0 where there will be none."""
    if baseline.timed_out or not is_slow(baseline, budget_seconds):
        return 0.0
    return RESERVED * usual_seconds(baseline)


def nearby(
    deps: Deps, state: RunState, item: PlanItem, candidate: Candidate
) -> tuple[str, ...] | None:
    """Tests to confirm a candidate with; None for the whole suite, where that is quick."""
    if not is_slow_run(deps, state):
        return None
    deps.workspace.reset(state.get("edits", {}))
    sources = {splice.path: deps.workspace.read(splice.path) for splice in candidate.splices}
    seconds = max(NEAR_SECONDS, NEAR_SHARE * deps.task.budget_seconds)
    whole = searching.evidence(deps, state, item).baseline
    around = near(whole, edited_lines(candidate.splices, sources), item.targets, seconds)
    flaky = set(state.get("flaky", []))
    return (*item.targets, *(name for name in around if name not in flaky))


def kept(
    state: RunState, item: PlanItem, others: Sequence[Verdict], whys: Sequence[str]
) -> list[dict[str, Any]]:
    """The run's accepted items with this one: what was there before it, and who may replace it.

    `whys` says of each of `others` why it ranks lower.
    """
    entry = {
        "item": item.number,
        "edits": state.get("edits", {}),
        "round": state.get("round", 0),
        "standby": [dump(verdict) for verdict in others[:STANDBY]],
        "whys": list(whys[:STANDBY]),
    }
    return [*state.get("accepted", []), entry]


def finish(deps: Deps, state: RunState) -> RunState:
    """Run the whole suite with all edits, when nothing else is left to do; what changes by it."""
    accepted = state.get("accepted", [])
    over = current_item(state) is None or deps.budget.spent
    if not accepted or not over or not is_slow_run(deps, state):
        return {}
    if why := _why_not(deps, report_of(state, "baseline")):
        said = f"The whole suite did not run with the edits, only tests near them: {why}."
        deps.emit(Note(text=said, level="warning"))
        return {"accepted": [], "caveats": [*state.get("caveats", []), said]}
    deps.emit(Doing(text="Running the whole suite with all edits"))
    deps.workspace.reset(state.get("edits", {}))
    report = deps.run_tests(clean=True, timeout=max(deps.budget.seconds_left, 1.0))
    if report.timed_out and report.results:
        report = without_interrupted(report)
    worse = _worse(state, report)
    deps.record.write("finished", report=dump(report), worse=worse)
    if report.timed_out:
        report = merged(report_of(state, "now"), report)
    if worse:
        return _replace(deps, state, report, worse)
    _tell(deps, report)
    return {"accepted": [], "now": dump(report), "items": _with_whole(state, report)}


def _why_not(deps: Deps, baseline: TestReport) -> str:
    if baseline.timed_out:
        return "it does not end within the time that it may take"
    if deps.budget.seconds_left < baseline.seconds:
        return "too little of the budget was left"
    return ""


def _worse(state: RunState, report: TestReport) -> list[str]:
    """Tests that passed with the edits, or before them, and do not in this run of all."""
    flaky = set(state.get("flaky", []))
    known = report_of(state, "now").ids(Outcome.PASSED)
    reached = set(report.ids(*Outcome)) if report.timed_out else set(known)
    return list(regressed([t for t in known if t in reached and t not in flaky], report))


def _with_whole(state: RunState, report: TestReport) -> list[dict[str, Any]]:
    """The accepted items, marked as checked with the whole suite."""
    if report.timed_out:
        return [dump(item) for item in items_of(state)]
    numbers = {entry["item"] for entry in state.get("accepted", [])}
    marked = []
    for item in items_of(state):
        if item.number in numbers and item.chosen is not None:
            chosen = item.chosen.model_copy(update={"whole_suite": True})
            note = _joined(item.note, "The whole suite ran once more behind all edits.")
            item = item.model_copy(update={"chosen": chosen, "note": note})
        marked.append(dump(item))
    return marked


def _replace(deps: Deps, state: RunState, report: TestReport, worse: list[str]) -> RunState:
    """Take edits back, the last one first, until the refusing tests pass; then try who stood by."""
    deps.emit(Note(text=f"The whole suite refused the edits: {worse[0]} fails with them."))
    items = {item.number: item for item in items_of(state)}
    edits = state.get("edits", {})
    sound = set(report_of(state, "baseline").ids(Outcome.PASSED))
    blamed = [name for name in worse if name in sound]
    refused = f"The whole suite refused the edit: `{worse[0]}` fails with it."
    for entry in reversed(state.get("accepted", [])):
        item = items[entry["item"]]
        edits = entry["edits"]
        items[item.number] = _taken_back(item, refused)
        before: RunState = {**state, "edits": edits}
        found = _stand_in(deps, before, item, entry["standby"], worse)
        if found is not None:
            items[item.number], edits = found
            break
        if not blamed or not _refused(deps, edits, blamed, blamed):
            break
        refused = "Taken back with an earlier edit that the whole suite refused."
    names = [target for item in items.values() for target in item.targets]
    deps.workspace.reset(edits)
    now = merged(report, deps.run_tests(_selection([*worse, *names]), clean=True))
    for item in items.values():
        if item.status is Status.SAME_CAUSE and not all(passes(t, now) for t in item.targets):
            items[item.number] = _taken_back(item, "The edit that mended it was taken back.")
    changed = [item for item in items.values() if item not in items_of(state)]
    for item in changed:
        deps.emit(ItemFinished(item=item))
    deps.record.write("replaced", items=[dump(item) for item in changed])
    said = (
        f"The whole suite refused the first choice of edits ({len(worse)} tests failed with it). "
        "With the present edits those tests and the ones near the edits ran, the others did not."
    )
    _tell(deps, now)
    return {
        "accepted": [],
        "edits": edits,
        "now": dump(now),
        "items": [dump(item) for item in items.values()],
        "caveats": [*state.get("caveats", []), said],
    }


def _stand_in(
    deps: Deps,
    state: RunState,
    item: PlanItem,
    standby: Sequence[dict[str, Any]],
    worse: Sequence[str],
) -> tuple[PlanItem, dict[str, str]] | None:
    """The first survivor that the refusing tests and those near it pass with, and all edits."""
    for kept_one in standby:
        verdict = Verdict.model_validate(kept_one)
        around = nearby(deps, state, item, verdict.candidate) or ()
        edits = searching.edited(deps, state, verdict.candidate)
        if not deps.budget.spent and not _refused(deps, edits, [*worse, *around], worse):
            note = "It took the place of a survivor that the whole suite refused."
            patch = deps.workspace.diff_between(state.get("edits", {}), edits)
            changes = {"chosen": verdict, "patch": patch, "note": note}
            return item.model_copy(update=changes), edits
    return None


def _refused(
    deps: Deps, edits: dict[str, str], selection: Sequence[str], must: Sequence[str]
) -> bool:
    """Whether a test of the selection fails with the edits, or one of `must` is not run."""
    deps.workspace.reset(edits)
    report = deps.run_tests(_selection(selection), clean=True)
    return bool(report.failing) or not all(passes(name, report) for name in must[:REFUSING])


def _selection(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))[: 2 * REFUSING]


def _taken_back(item: PlanItem, note: str) -> PlanItem:
    return item.model_copy(
        update={"status": Status.FAILED, "patch": "", "chosen": None, "note": note}
    )


def _tell(deps: Deps, report: TestReport) -> None:
    deps.emit(TestsFinished.of(report, "whole suite"))


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
