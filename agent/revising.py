"""Another patch than the one shown: an alternative, a person's own edit, or one searched anew.

Whatever it is, the whole suite runs with it before the person is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent import searching, turns
from agent.approval import Alternative
from agent.deps import Deps
from agent.events import BudgetChanged, Doing, ItemFinished, TestsFinished
from agent.repair.outcomes import passes, regressed
from agent.repair.seams import Verdict
from agent.state import PlanItem, RunState, Status, dump, items_of, report_of
from tools.merge import merge
from tools.report import Outcome, TestReport

SEARCH_ON = 60.0
"""Seconds that a refused edit's search gets at least."""
Edits = Mapping[str, str]


def alternatives(deps: Deps, state: RunState) -> list[Alternative]:
    """The survivors that stand behind the accepted edits; changes nothing but the workspace."""
    found = []
    for entry in state.get("accepted", []):
        for place, (kept, why) in enumerate(zip(entry["standby"], entry["whys"], strict=True)):
            edits = _with(deps, state, entry["edits"], Verdict.model_validate(kept))
            diff = deps.workspace.diff_between(entry["edits"], edits)
            found.append(Alternative(entry["item"], place, diff, why))
    return found


def revise(deps: Deps, state: RunState, revision: Mapping[str, Any], reason: str) -> RunState:
    """What changes in the state; its `note` says to the person what became of the wish."""
    match revision["kind"]:
        case "edited":
            return _edited(deps, state, revision["files"])
        case "alternative":
            return _alternative(deps, state, revision["item"], revision["place"])
        case _:
            return _another(deps, state, revision["item"], reason)


def _edited(deps: Deps, state: RunState, files: Edits) -> RunState:
    """A person's own texts: tested like any edit, and theirs to apply even where tests fail."""
    edits = {**state.get("edits", {}), **files}
    report = _tested(deps, edits)
    worse = _worse(state, report)
    names = ", ".join(sorted(files))
    deps.record.write("revised", how="edited", files=sorted(files), worse=worse)
    said = f"{names} was edited by hand"
    note = f"{said}; {worse[0]} passed before and fails now." if worse else f"{said} and tested."
    return {
        "edits": edits,
        "now": dump(report),
        "note": note,
        "caveats": [*state.get("caveats", []), f"{said} before it was applied."],
        # What stood behind the edits was proposed for other texts.
        "accepted": [],
    }


def _alternative(deps: Deps, state: RunState, number: int, place: int) -> RunState:
    """A survivor instead of the chosen edit of an item, below what was accepted behind it."""
    accepted = state.get("accepted", [])
    at = next((i for i, e in enumerate(accepted) if e["item"] == number), None)
    if at is None or place >= len(accepted[at]["standby"]):
        return {"note": "There is no such alternative any more."}
    entry = accepted[at]
    item = next(item for item in items_of(state) if item.number == number)
    verdict = Verdict.model_validate(entry["standby"][place])
    assert item.chosen is not None, "an accepted item has a chosen edit"
    old = _with(deps, state, entry["edits"], item.chosen)
    new = _with(deps, state, entry["edits"], verdict)
    layers = [state.get("edits", {}), *(later["edits"] for later in accepted[at + 1 :])]
    rebased = [_rebased(deps, old, layer, new) for layer in layers]
    if any(layer is None for layer in rebased):
        return {"note": "A later edit changes the same lines, so it cannot be taken by itself."}
    edits, *later_edits = [layer for layer in rebased if layer is not None]
    report = _tested(deps, edits)
    if worse := _worse(state, report):
        return {"note": f"It was not taken: {worse[0]} fails with it."}
    done = _chosen(item, verdict, deps.workspace.diff_between(entry["edits"], new))
    deps.record.write("revised", how="alternative", item=dump(done))
    deps.emit(ItemFinished(item=done))
    behind = [
        {**e, "edits": edits_} for e, edits_ in zip(accepted[at + 1 :], later_edits, strict=True)
    ]
    swapped = _swapped(entry, place, dump(item.chosen))
    return {
        "edits": edits,
        "now": dump(report),
        "items": [dump(done if one.number == number else one) for one in items_of(state)],
        "accepted": [*accepted[:at], swapped, *behind],
        "note": "The alternative is in the patch now, and the whole suite ran with it.",
    }


def _another(deps: Deps, state: RunState, number: int, reason: str) -> RunState:
    """The edit is refused: its item is searched on behind the round that gave it.

    Items that were mended behind it are open again, for their edits were made on top of it. What
    passed the tests besides is kept for the case that nothing else is found.
    """
    accepted = state.get("accepted", [])
    at = next((i for i, e in reversed(list(enumerate(accepted))) if number in (0, e["item"])), None)
    if at is None:
        return {"note": "There is no edit whose search could go on."}
    entry = accepted[at]
    before = items_of(state)
    refused = next(item for item in before if item.number == entry["item"])
    deps.record.write("refused", item=refused.number, patch=refused.patch, reason=reason)
    if deps.budget.seconds_left < SEARCH_ON:
        deps.budget.extend(SEARCH_ON - deps.budget.seconds_left)
        deps.emit(BudgetChanged(seconds_left=deps.budget.seconds_left))
    now = _tested(deps, entry["edits"])
    again = {e["item"] for e in accepted[at:]}
    items = [_reopened(item) if _is_open(item, again, now) else item for item in before]
    for item in items:
        if item not in before:
            deps.emit(ItemFinished(item=item))
    numbers = [item.number for item in items]
    return {
        "edits": entry["edits"],
        "now": dump(now),
        "items": [dump(item) for item in items],
        **turns.begun(deps, items, numbers.index(refused.number)),
        "round": entry["round"] + 1,
        "partial": entry["standby"],
        "accepted": accepted[:at],
        "refused": [*state.get("refused", []), {"patch": refused.patch, "reason": reason}],
        "note": "",
    }


def _is_open(item: PlanItem, again: set[int], now: TestReport) -> bool:
    if item.status is Status.SAME_CAUSE:
        return not all(passes(target, now) for target in item.targets)
    return item.number in again


def _reopened(item: PlanItem) -> PlanItem:
    return item.model_copy(
        update={"status": Status.OPEN, "patch": "", "chosen": None, "note": "", "survivors": 0}
    )


def _chosen(item: PlanItem, verdict: Verdict, patch: str) -> PlanItem:
    """What was said of the order belongs to the edit that stood first."""
    return item.model_copy(
        update={
            "chosen": verdict,
            "patch": patch,
            "note": "Chosen by a person among the edits that pass the tests.",
            "agreeing": 0,
            "alternatives": (),
            "alternatives_why": (),
        }
    )


def _swapped(entry: Mapping[str, Any], place: int, chosen: dict[str, Any]) -> dict[str, Any]:
    standby, whys = [*entry["standby"]], [*entry["whys"]]
    standby[place], whys[place] = chosen, "was the first choice"
    return {**entry, "standby": standby, "whys": whys}


def _with(deps: Deps, state: RunState, edits: Edits, verdict: Verdict) -> dict[str, str]:
    return searching.edited(deps, {**state, "edits": dict(edits)}, verdict.candidate)


def _rebased(deps: Deps, base: Edits, ours: Edits, theirs: Edits) -> dict[str, str] | None:
    """`ours` with what leads from `base` to `theirs`; None where they exclude each other."""
    deps.workspace.reset({})
    merged = {}
    for path in {**base, **ours, **theirs}:
        # A path that a set of edits does not name is there as the repository has it.
        texts = [
            edits[path] if path in edits else deps.workspace.read(path)
            for edits in (base, ours, theirs)
        ]
        text = merge(*texts)
        if text is None:
            return None
        merged[path] = text
    return merged


def _tested(deps: Deps, edits: Edits) -> TestReport:
    deps.emit(Doing(text="Running the whole suite"))
    deps.workspace.reset(edits)
    report = deps.run_tests(clean=True)
    deps.emit(TestsFinished.of(report, "whole suite"))
    return report


def _worse(state: RunState, report: TestReport) -> list[str]:
    """Tests that passed with the edits before, and do not with these."""
    flaky = set(state.get("flaky", []))
    good = [name for name in report_of(state, "now").ids(Outcome.PASSED) if name not in flaky]
    return list(regressed(good, report))
