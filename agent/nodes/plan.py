"""Baseline, lint, clones, suspicion: what is wrong, where, and what will be tried."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent import baseline as first_run
from agent import finishing, planning, reproducing, searching, tidying, turns
from agent.deps import Deps
from agent.events import PhaseStarted, PlanReady
from agent.state import Goal, RunState, Scope, dump
from tools.report import TestReport, TestResult


def plan(state: RunState, runtime: Runtime[Deps]) -> RunState:
    deps = runtime.context
    deps.workspace.reset(state.get("edits", {}))
    deps.emit(PhaseStarted(phase="plan", detail=str(deps.facts["tests"])))
    baseline, caveats = first_run.run_all(deps)
    spectrum, failing, flaky = first_run.with_coverage(deps, baseline)
    tried = None
    fixing = deps.task.goal is Goal.FIX
    if fixing and reproducing.wanted(deps, failing):
        tried = reproducing.reproduce_issue(deps, baseline)
        baseline, spectrum, failing = tried.baseline, tried.spectrum, tried.failing
    searching.keep_spectrum(deps, spectrum)
    items = planning.bug_items(
        deps.workspace.root,
        spectrum,
        failing,
        deps.localizer,
        deps.language,
        deps.rules.protection,
    )
    if tried is not None:
        items = reproducing.explained(items, tried.reproduction)
    items += tidying.items(deps, _scope(deps, spectrum, failing))
    kept, dropped = planning.existing(items, deps.workspace.root)
    kept = planning.number(kept)
    for reason in dropped:
        deps.record.write("dropped", reason=reason)
    deps.record.write("plan", items=[dump(item) for item in kept])
    deps.emit(PlanReady(items=tuple(kept), dropped=tuple(dropped)))
    return {
        **(reproducing.changes(tried) if tried is not None else {}),
        "baseline": dump(baseline),
        "now": dump(baseline),
        "flaky": flaky,
        "items": [dump(item) for item in kept],
        "dropped": dropped,
        **turns.begun(
            deps,
            kept,
            planning.next_open(kept, 0),
            finishing.reserve(baseline, deps.task.budget_seconds),
        ),
        "caveats": caveats,
        "seconds": deps.budget.seconds_spent,
    }


def _scope(
    deps: Deps, spectrum: TestReport, failing: tuple[TestResult, ...]
) -> frozenset[str] | None:
    """Files to look at for duplication and style; None means all of them."""
    if deps.task.scope is Scope.ALL:
        return None
    if deps.task.scope is Scope.BUGS or not failing:
        return frozenset()
    covered = {path for test in failing for path in test.lines}
    for test in failing:
        covered.update(spectrum.imports.get(test.path, ()))
    return frozenset(path for path in covered if not deps.language.is_test(path))
