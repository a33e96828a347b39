"""Baseline, lint, clones, suspicion: what is wrong, where, and what will be tried."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent import planning, reading, searching, tidying
from agent.deps import Deps
from agent.errors import Unusable
from agent.events import Note, PhaseStarted, PlanReady, TestsFinished
from agent.state import Finding, PlanItem, RunState, Scope, Status, dump
from tools.report import TestReport, TestResult


def plan(state: RunState, runtime: Runtime[Deps]) -> RunState:
    deps = runtime.context
    deps.workspace.reset(state.get("edits", {}))
    deps.emit(PhaseStarted(phase="plan", detail=str(deps.facts["tests"])))
    baseline = _baseline(deps)
    spectrum, failing, flaky = _spectrum(deps, baseline)
    searching.keep_spectrum(deps, spectrum)
    items = planning.bug_items(
        deps.workspace.root, spectrum, failing, deps.localizer, deps.language
    )
    items += tidying.items(deps, _scope(deps, spectrum, failing))
    kept, dropped = planning.existing(items, deps.workspace.root)
    kept = planning.number(kept)
    findings: list[Finding] = []
    if deps.task.budget_seconds >= reading.SHORTEST_BUDGET and any(map(_searchable, kept)):
        findings, unreal = reading.read(deps, kept)
        dropped += unreal
    for reason in dropped:
        deps.record.write("dropped", reason=reason)
    deps.record.write("plan", items=[dump(item) for item in kept])
    deps.emit(PlanReady(items=tuple(kept), dropped=tuple(dropped)))
    return {
        "baseline": dump(baseline),
        "now": dump(baseline),
        "flaky": flaky,
        "items": [dump(item) for item in kept],
        "findings": [dump(finding) for finding in findings],
        "dropped": dropped,
        "current": planning.next_open(kept, 0),
        "until": planning.share(deps.budget, kept, planning.next_open(kept, 0)),
        "seconds": deps.budget.seconds_spent,
    }


def _searchable(item: PlanItem) -> bool:
    return item.status is Status.OPEN and bool(item.targets)


def _baseline(deps: Deps) -> TestReport:
    report = deps.run_tests(clean=True)
    deps.record.write("baseline", report=dump(report))
    if not report.results:
        reason = report.problem or "no test was collected"
        raise Unusable(
            f"The tests of {deps.task.path} did not run: {reason} "
            "Name the right command with --test-cmd."
        )
    deps.emit(_finished(report, "before"))
    if report.problem:
        deps.emit(Note(text=report.problem, level="warning"))
    return report


def _spectrum(
    deps: Deps, baseline: TestReport
) -> tuple[TestReport, tuple[TestResult, ...], list[str]]:
    """The run with coverage, the tests that fail every time, and those that are flaky."""
    if not baseline.failing:
        return baseline, (), []
    wanted = [test.id for test in baseline.failing]
    files = {test.path for test in baseline.failing}
    passing = [r for r in baseline.results if r not in baseline.failing]
    passing.sort(key=lambda r: r.path not in files)
    others = [result.id for result in passing[: searching.SPECTRUM_TESTS]]
    report = deps.run_tests([*wanted, *others], coverage=True)
    again = {test.id for test in report.failing}
    seen = {result.id for result in report.results}
    flaky = [name for name in wanted if name in seen and name not in again]
    for name in flaky:
        deps.emit(Note(text=f"{name} failed once and passed on a rerun: flaky", level="warning"))
    detailed = {test.id: test for test in report.failing}
    failing = tuple(
        detailed.get(test.id, test) for test in baseline.failing if test.id not in flaky
    )
    return report, failing, flaky


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


def _finished(report: TestReport, what: str) -> TestsFinished:
    return TestsFinished(
        passed=report.passed_count,
        total=report.total,
        failing=tuple(test.id for test in report.failing),
        seconds=report.seconds,
        what=what,
    )
