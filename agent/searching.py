"""Between the graph and the repair search: evidence in, candidates and verdicts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from agent import planning
from agent.deps import Deps
from agent.events import CandidateTried
from agent.home import put
from agent.repair.affordable import merged
from agent.repair.edit import edited_files
from agent.repair.seams import Candidate, Evidence, Verdict
from agent.repair.search import Batch
from agent.state import PlanItem, RunState, report_of
from tools.report import Outcome, TestReport, TestResult

SPECTRUM_TESTS = 400
"""Coverage is measured on the failing tests and on at most this many others."""
SPECTRUM = "spectrum.json"
"""The run with coverage, in the run's directory: too large for a checkpoint."""


def keep_spectrum(deps: Deps, report: TestReport) -> None:
    put(deps.home / SPECTRUM, report.model_dump_json())


def evidence(deps: Deps, state: RunState, item: PlanItem) -> Evidence:
    """What proposers and the ranker may look at, on the workspace as it is now."""
    now = report_of(state, "now")
    failing = [test for test in now.failing if test.id in item.targets]
    return Evidence(
        root=deps.workspace.root,
        failing=_detailed(deps, failing),
        baseline=now.model_copy(update={"results": _detailed(deps, now.results)}),
        suspects=item.suspects,
        tried=tuple(Verdict.model_validate(v) for v in state.get("partial", [])),
        issue=_told_by_people(deps, state),
        seed=deps.task.seed,
    )


def time_is_over(deps: Deps, state: RunState) -> bool:
    """Whether the item in work has used its share of the time."""
    return deps.budget.seconds_spent >= _until(deps, state)


def part_is_over(deps: Deps, state: RunState, share: float) -> bool:
    """Whether the item in work has used this part of its share of the time."""
    since = state.get("since", 0.0)
    return deps.budget.seconds_spent - since >= share * (_until(deps, state) - since)


def next_round(deps: Deps, state: RunState, *, untested: bool) -> int:
    """The round to go on with: this one again where time left some of its candidates untested.

    It is gone on with when the item has a second turn; what was tested is not tested again.
    """
    return state.get("round", 0) + (not (untested and time_is_over(deps, state)))


def batch(deps: Deps, state: RunState, item: PlanItem) -> Batch | None:
    """The next round's candidates; None when the search, or the item's time, is at its end."""
    with deps.budget.until(_until(deps, state)):
        return deps.search.batch(
            state.get("round", 0),
            evidence(deps, state, item),
            deps.budget,
            state.get("passed_over"),
        )


def verdicts(
    deps: Deps, state: RunState, item: PlanItem, candidates: Sequence[Candidate]
) -> list[Verdict]:
    """What the tests say of each candidate, until the item's time is up."""
    found = []
    deps.workspace.reset(state.get("edits", {}))
    with deps.budget.until(_until(deps, state)):
        judged = deps.verifier.verify(candidates, evidence(deps, state, item), deps.budget)
        with closing(judged) as trials:
            for count, verdict in enumerate(trials, 1):
                deps.record.write("tried", item=item.number, **_told(verdict))
                deps.emit(_event(deps, item, item.tried + count, verdict))
                found.append(verdict)
    return found


def edited(deps: Deps, state: RunState, candidate: Candidate) -> dict[str, str]:
    """All edits of the run with the candidate's on top: path to whole new text."""
    edits = state.get("edits", {})
    deps.workspace.reset(edits)
    before = {splice.path: deps.workspace.read(splice.path) for splice in candidate.splices}
    return edits | edited_files(candidate.splices, before)


def refused(deps: Deps, state: RunState, verdict: Verdict) -> bool:
    """Whether it makes an edit that a person did not want."""
    patches = {one["patch"] for one in state.get("refused", [])}
    if not patches:
        return False
    edits = edited(deps, state, verdict.candidate)
    return deps.workspace.diff_between(state.get("edits", {}), edits) in patches


def _until(deps: Deps, state: RunState) -> float:
    return state.get("until", deps.task.budget_seconds)


def _told_by_people(deps: Deps, state: RunState) -> str:
    """The bug report, and what was said against edits that were refused."""
    said = [
        f"A person refused this edit: {one['reason'] or 'no reason given'}\n{one['patch']}"
        for one in state.get("refused", [])
    ]
    return "\n\n".join(text for text in (deps.task.issue, *said) if text)


def newly_failing(
    deps: Deps,
    state: RunState,
    items: Sequence[PlanItem],
    edits: Mapping[str, str],
    report: TestReport,
) -> list[PlanItem]:
    """Items for tests that could not even be collected before, and fail now."""
    known = {target for item in items for target in item.targets} | set(state.get("flaky", []))
    fresh = [test for test in report.failing if test.id not in known]
    if not fresh:
        return []
    return _bug_items(deps, _spectrum(deps, edits, report, [test.id for test in fresh]))


def localised_anew(
    deps: Deps, item: PlanItem, edits: Mapping[str, str], report: TestReport
) -> list[PlanItem]:
    """The item's tests that still fail in `report`, grouped and localised with the edits in place.

    They failed together because of what has been mended since: what is left may lie elsewhere.
    """
    still = [test.id for test in report.failing if test.id in item.targets]
    found = _bug_items(deps, _spectrum(deps, edits, report, still)) if still else []
    if not found:
        return [item]
    first, *others = found
    gone_on = {"number": item.number, "tried": item.tried, "turn": item.turn}
    return [first.model_copy(update=gone_on), *others]


def touched(
    deps: Deps, item: PlanItem, before: Mapping[str, str], after: Mapping[str, str]
) -> bool:
    """Whether the item's tests run a file that has another text in one set of edits than in the
    other, as far as is known."""
    spectrum = _kept_spectrum(deps)
    results = () if spectrum is None else spectrum.results
    run = {path for r in results if r.id in item.targets for path in r.lines}
    edited = {p for p in (*before, *after) if before.get(p) != after.get(p)}
    return not run or not run.isdisjoint(edited)


def _spectrum(
    deps: Deps, edits: Mapping[str, str], report: TestReport, failing: Sequence[str]
) -> TestReport:
    """Coverage with the edits in place of these failing tests, and of what passes in `report`.

    It is kept beside that of all other tests, which may hang and are not run again for it.
    """
    deps.workspace.reset(edits)
    passing = report.ids(Outcome.PASSED)[:SPECTRUM_TESTS]
    spectrum = deps.run_tests([*passing, *failing], coverage=True)
    before = _kept_spectrum(deps)
    keep_spectrum(deps, spectrum if before is None else merged(before, spectrum))
    wanted = set(failing)
    results = [r for r in spectrum.results if r.outcome is Outcome.PASSED or r.id in wanted]
    return spectrum.model_copy(update={"results": tuple(results)})


def _bug_items(deps: Deps, spectrum: TestReport) -> list[PlanItem]:
    return planning.bug_items(
        deps.workspace.root,
        spectrum,
        spectrum.failing,
        deps.localizer,
        deps.language,
        deps.rules.protection,
    )


def _detailed(deps: Deps, results: Sequence[TestResult]) -> tuple[TestResult, ...]:
    """The results with the coverage that the spectrum has of them."""
    spectrum = _kept_spectrum(deps)
    if spectrum is None:
        return tuple(results)
    lines = {result.id: result.lines for result in spectrum.results}
    return tuple(r.model_copy(update={"lines": lines.get(r.id, {})}) for r in results)


def _kept_spectrum(deps: Deps) -> TestReport | None:
    file = deps.home / SPECTRUM
    return TestReport.model_validate_json(file.read_text("utf-8")) if file.is_file() else None


def _told(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the record keeps it: the candidate itself stands under `proposed`."""
    return verdict.model_dump(mode="json", exclude={"candidate"})


def _event(deps: Deps, item: PlanItem, number: int, verdict: Verdict) -> CandidateTried:
    candidate = verdict.candidate
    first = candidate.splices[0]
    line = deps.workspace.read(first.path).count("\n", 0, first.start) + 1
    return CandidateTried(
        item=item.number,
        number=number,
        strategy=candidate.strategy,
        operator=candidate.operator,
        path=first.path,
        line=line,
        passed=verdict.target_passed,
        total=verdict.target_total,
        survived=verdict.survives,
        rejected=verdict.rejected,
        seconds_left=deps.budget.seconds_left,
    )
