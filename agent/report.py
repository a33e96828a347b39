"""The facts of a finished run, for the JSON report, the Markdown summary and the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from agent.repair.seams import Suspect
from agent.state import (
    Finding,
    Goal,
    Kind,
    PlanItem,
    RunState,
    Status,
    items_of,
    report_of,
    reproduction_of,
)
from tools.redaction import redact_values
from tools.report import Outcome, TestReport

if TYPE_CHECKING:
    from agent.deps import Deps


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class TestCounts(_Value):
    __test__ = False

    passed: int
    total: int
    failing: tuple[str, ...]


class ItemReport(_Value):
    number: int
    kind: Kind
    title: str
    subject: str
    """The suspected function, the copied one, or the linter's rules."""
    path: str
    first_line: int
    last_line: int
    status: Status
    evidence: tuple[str, ...]
    note: str
    proposal: str = ""
    suspects: tuple[Suspect, ...] = ()
    """Where the fault may lie, the most suspicious first."""
    patch: str
    strategy: str
    operator: str
    candidates_tried: int
    survivors: int
    behaviours: int
    """Different behaviours among them on inputs near the tests'; 0 when they were not compared."""
    agreeing: int
    """How many of them behave like the chosen one, itself included; 0 when it was not compared."""
    alternatives: tuple[str, ...]
    """Diffs of the next best survivors, as many as were asked for."""
    alternatives_why: tuple[str, ...] = ()
    """Why each of them ranks lower than the chosen one."""


class ReproductionReport(_Value):
    """The test that the model wrote from the issue because no test failed."""

    path: str
    """The new test file; empty when no test reproduced the issue."""
    text: str
    test: str
    """Id of the one test in it."""
    checks: tuple[str, ...]
    """What was found out about it by running it."""
    tried: int
    """How many tests were written in all."""
    kept: bool
    """Whether the file is part of the patch."""
    problem: str
    """Why there is no such test; empty when there is one."""


class Effort(_Value):
    """What the run cost. Seconds are wall clock."""

    seconds: float
    candidates: int
    test_runs: int
    model: str
    seed: int
    model_requests: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    model_seconds: float


class Report(_Value):
    """Version 1 of what `--json` writes. Fields are added, never renamed, within a version."""

    schema_version: Literal[1] = 1
    goal: Goal = Goal.FIX
    """How far the run went: `plan` and `explain` edit nothing."""
    run_id: str
    path: str
    exit_status: int
    headline: str
    before: TestCounts
    after: TestCounts
    items: tuple[ItemReport, ...]
    flaky: tuple[str, ...]
    dropped: tuple[str, ...]
    caveats: tuple[str, ...] = ()
    """What the tests could not tell: they were stopped, or not all of them ran with the edits."""
    findings: tuple[Finding, ...]
    """What the model said; explanations, not facts."""
    reproduction: ReproductionReport | None = None
    """None unless an issue was given and no test failed."""
    explanation: str
    """Text of the model about the change; an explanation, not a fact."""
    verdict: str
    reason: str
    applied: tuple[str, ...]
    left: tuple[str, ...]
    branch: str = ""
    """Where `applied` was committed instead of written to the tree; empty: it was written."""
    commit: str = ""
    patch: str
    effort: Effort
    environment: dict[str, Any]


def build(state: RunState, deps: Deps, patch: str) -> Report:
    """The report of a run that has reached its end, over all its sessions."""
    items = items_of(state)
    before, after = report_of(state, "baseline"), report_of(state, "now")
    totals = deps.thinker.totals
    report = Report(
        goal=deps.task.goal,
        run_id=deps.run_id,
        path=deps.task.path,
        exit_status=exit_status(state),
        headline=_headline(state) if deps.task.goal is Goal.FIX else _seen(state),
        before=_counts(before),
        after=_counts(after),
        items=tuple(_item(item) for item in items),
        flaky=tuple(state.get("flaky", [])),
        dropped=tuple(state.get("dropped", [])),
        caveats=tuple(state.get("caveats", [])),
        findings=tuple(Finding.model_validate(f) for f in state.get("findings", [])),
        reproduction=_reproduction(state),
        explanation=state.get("explanation", ""),
        verdict=state.get("verdict", ""),
        reason=state.get("reason", ""),
        applied=tuple(state.get("applied", [])),
        left=tuple(state.get("left", [])),
        branch=deps.task.branch,
        commit=state.get("commit", ""),
        patch=patch,
        effort=Effort(
            seconds=round(deps.budget.seconds_spent, 1),
            candidates=sum(item.tried for item in items),
            test_runs=deps.budget.test_runs_used,
            model=deps.thinker.model or "none was needed",
            seed=deps.task.seed,
            model_requests=totals.requests,
            prompt_tokens=totals.prompt_tokens,
            completion_tokens=totals.completion_tokens,
            cached_tokens=totals.cached_tokens,
            model_seconds=round(totals.seconds, 1),
        ),
        environment=dict(deps.facts),
    )
    # Patches stay as they are: they must apply.
    return Report.model_validate(redact_values(report.model_dump(), {"patch", "alternatives"}))


def exit_status(state: RunState) -> int:
    """The documented exit status of a run that has reached its end.

    0 all tests pass now; 1 some still fail, or the issue was not reproduced; 2 the tests could
    not be collected before or after; 3 there is a patch and not all of it was applied.
    """
    before, after = report_of(state, "baseline"), report_of(state, "now")
    if state.get("left"):
        return 3
    if not _collected(before) and not _collected(after):
        return 2
    if (tried := reproduction_of(state)) is not None and tried.problem:
        return 1
    flaky = set(state.get("flaky", []))
    return 1 if any(test.id not in flaky for test in after.failing) else 0


def _collected(report: TestReport) -> bool:
    """Whether a single test function ran: a collection error carries its file's path as id."""
    return any(r.outcome is not Outcome.ERROR or r.id != r.path for r in report.results)


def _counts(report: TestReport) -> TestCounts:
    return TestCounts(
        passed=report.passed_count,
        total=report.total,
        failing=tuple(test.id for test in report.failing),
    )


def _reproduction(state: RunState) -> ReproductionReport | None:
    tried = reproduction_of(state)
    if tried is None:
        return None
    return ReproductionReport(**tried.model_dump(), kept=tried.path in state.get("edits", {}))


_SHARED = ItemReport.model_fields.keys() & PlanItem.model_fields.keys()


def _item(item: PlanItem) -> ItemReport:
    chosen = item.chosen.candidate if item.chosen else None
    return ItemReport(
        **{name: getattr(item, name) for name in _SHARED},
        strategy=chosen.strategy if chosen else "",
        operator=chosen.operator if chosen else "",
        candidates_tried=item.tried,
    )


def _headline(state: RunState) -> str:
    before, after = report_of(state, "baseline"), report_of(state, "now")
    items = items_of(state)
    was, now = _ratio(before), _ratio(after)
    mended = [item for item in items if item.status in (Status.FIXED, Status.PARTLY)]
    if exit_status(state) == 2:
        return "The tests cannot be collected"
    if (tried := reproduction_of(state)) is not None and tried.problem:
        return f"The report was not reproduced; {now} tests pass"
    if not before.failing and not mended:
        return f"All {before.total} tests pass already"
    if not mended:
        return f"No fix found: {now} tests pass"
    applied = "" if state.get("applied") else _why_not(state)
    if not before.failing:
        return f"Tidied {len(mended)} place{'s' * (len(mended) > 1)}; {now} tests pass{applied}"
    return f"Tests pass: {was} before, {now} after{applied}"


def _seen(state: RunState) -> str:
    """The headline of a run that edits nothing."""
    if exit_status(state) == 2:
        return "The tests cannot be collected"
    count = len(items_of(state))
    planned = f"{count} item{'s' * (count != 1)} in the plan"
    return f"{_ratio(report_of(state, 'now'))} tests pass; {planned}"


def _ratio(report: TestReport) -> str:
    return f"{report.passed_count} of {report.total}"


def _why_not(state: RunState) -> str:
    return " (not applied)" if state.get("left") else ""
