"""No test fails, but a person reported a bug: a test that shows it is written, run and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.deps import Deps
from agent.events import Doing, Note
from agent.repair import reproduce
from agent.repair.reproduce import Draft, Example, Failure
from agent.repair.seams import Suspect
from agent.searching import SPECTRUM_TESTS
from agent.state import PlanItem, Reproduction, RunState, Status, items_of, reproduction_of
from tools.report import Outcome, TestReport, TestResult
from tools.text import one_line

SHARE = 0.3
"""Of the run's budget: once that is spent, the model is asked for no more tests."""
CONFIRMED = 4
"""Failures, the best first, that are run again before the report counts as not reproduced."""


@dataclass(frozen=True)
class Reproduced:
    """What the plan goes on with. The new test counts as one of the repository's own."""

    reproduction: Reproduction
    baseline: TestReport
    spectrum: TestReport
    failing: tuple[TestResult, ...]


@dataclass(frozen=True)
class _Place:
    """Where the new test goes, and what it may be about."""

    path: str
    suspects: tuple[Suspect, ...]


def wanted(deps: Deps, failing: Sequence[TestResult]) -> bool:
    """Whether there is a report and no test that fails."""
    return bool(deps.task.issue.strip()) and not failing


def reproduce_issue(deps: Deps, baseline: TestReport) -> Reproduced:
    """Leaves the accepted test in the workspace, and nothing there when there is none."""
    deps.emit(Doing(text="No test fails: writing one from the report"))
    found = _search(deps, baseline)
    if isinstance(found, Reproduced):
        written = found.reproduction
        deps.record.write("reproduced", **written.model_dump())
        deps.emit(Note(text=f"{written.test} was written from the report, and fails"))
        return found
    deps.record.write("reproduced", **found.model_dump())
    deps.emit(Note(text=f"The report was not reproduced: {found.problem}", level="warning"))
    return Reproduced(found, baseline, baseline, ())


def explained(items: Sequence[PlanItem], reproduction: Reproduction) -> list[PlanItem]:
    """The plan's items; that of the new test says by what it was checked."""
    return [
        item.model_copy(
            update={
                "evidence": (
                    f"no test failed; the model wrote `{reproduction.test}` from the report",
                    *reproduction.checks,
                    *item.evidence[1:],
                )
            }
        )
        if reproduction.test in item.targets
        else item
        for item in items
    ]


def changes(tried: Reproduced) -> RunState:
    """What the run's state keeps of it: the new test is the first of the run's edits."""
    written = tried.reproduction
    edits = {written.path: written.text} if written.path else {}
    return {"reproduction": written.model_dump(mode="json"), "edits": edits}


def kept_edits(state: RunState) -> dict[str, str]:
    """The run's edits; the new test is one of them only when the bug that it shows was mended."""
    edits, written = state.get("edits", {}), reproduction_of(state)
    if written is None or not written.path:
        return edits
    if any(i.status is Status.FIXED and written.test in i.targets for i in items_of(state)):
        return edits
    return {path: text for path, text in edits.items() if path != written.path}


def _search(deps: Deps, baseline: TestReport) -> Reproduced | Reproduction:
    if deps.facts.get("kind") == "command":
        return Reproduction(problem="The test command cannot run a new test by itself.")
    root, writer = deps.workspace.root, deps.reproducer.writer
    suspects = deps.localizer.localize(root, baseline)
    if not suspects:
        return Reproduction(problem="It points at nothing in this repository.")
    tests = list(dict.fromkeys(r.path for r in baseline.results if deps.language.owns(r.path)))
    example = writer.example(root, tests, suspects)
    if example is None:
        return Reproduction(problem="There is no test in this repository to write another like.")
    place = _Place(writer.path(example, suspects[0], lambda path: _taken(deps, path)), suspects)
    failures, reasons, tried = _failures(deps, place, example, tests)
    for failure in sorted(failures, key=lambda one: one.weight, reverse=True)[:CONFIRMED]:
        found = _confirmed(deps, baseline, place, failure, len(failures), tried)
        if isinstance(found, Reproduced):
            return found
        reasons[found] += 1
    return Reproduction(tried=tried, problem=_problem(tried, reasons))


def _taken(deps: Deps, path: str) -> bool:
    """Whether there is anything under this name, in the copy or in the user's tree."""
    places = (Path(root) / path for root in (deps.workspace.root, deps.workspace.source))
    return not deps.language.is_test(path) or any(p.exists() or p.is_symlink() for p in places)


def _failures(
    deps: Deps, place: _Place, example: Example, tests: Sequence[str]
) -> tuple[list[Failure], Counter[str], int]:
    """Drafts that fail as the report may mean, why others do not count, and how many there are.

    Each draft runs once; the model is asked again until one is convincing or the time is up.
    """
    reports: dict[str, TestReport] = {}
    failures: list[Failure] = []
    reasons: Counter[str] = Counter()
    rounds = deps.reproducer.rounds(
        deps.workspace.root, example, tests, place.suspects, deps.task.seed
    )
    for drafts in rounds:
        for draft in drafts:
            if draft.text not in reports and not deps.budget.spent:
                reports[draft.text] = _run(deps, place.path, draft.text, coverage=False)
        # How many samples agree may have changed since the last round.
        judged = [_judge(deps, place, draft, reports.get(draft.text)) for draft in drafts]
        failures = [one for one in judged if isinstance(one, Failure)]
        reasons = Counter(one for one in judged if isinstance(one, str))
        spent = deps.budget.seconds_spent > SHARE * deps.task.budget_seconds
        if spent or any(failure.convincing for failure in failures):
            break
    return failures, reasons, len(failures) + reasons.total()


def _judge(deps: Deps, place: _Place, draft: Draft, report: TestReport | None) -> Failure | str:
    if report is None:
        return "there was no time left to run it"
    judged = reproduce.judge(
        draft, report, place.path, deps.reproducer.hints, lambda path: _is_source(deps, path)
    )
    said = judged if isinstance(judged, str) else "; ".join(judged.ties)
    deps.record.write("draft", text=draft.text, votes=draft.votes, said=said)
    return judged


def _confirmed(
    deps: Deps, baseline: TestReport, place: _Place, failure: Failure, count: int, tried: int
) -> Reproduced | str:
    """What the plan goes on with when the test fails twice more, alike, where the report points.

    Otherwise why it does not count, and the new file is gone.
    """
    text = failure.draft.text
    alone = _only(_run(deps, place.path, text, coverage=True), place.path)
    if alone is None or not reproduce.alike(alone, failure.result):
        return "it does not fail alike every time"
    suspect = reproduce.suspect_run(alone, place.suspects)
    if suspect is None:
        return "it runs nothing that the report points at"
    deps.call("write_file", path=place.path, content=text)
    others = baseline.ids(Outcome.PASSED)[:SPECTRUM_TESTS]
    spectrum = deps.run_tests([alone.id, *others], coverage=True)
    result = _only(spectrum, place.path)
    if result is None or not reproduce.alike(result, failure.result):
        deps.workspace.remove(place.path)
        return "it does not fail alike every time"
    checks = (
        f"it failed alike in three runs: `{one_line(result.message, 160)}`",
        f"it runs `{suspect.name}` of {suspect.path}: {'; '.join(suspect.reasons[:1])}",
        *failure.ties,
        f"of {tried} different tests, {count} failed in a way that the report may mean",
    )
    plain = result.model_copy(update={"lines": {}})
    whole = baseline.model_copy(
        update={
            "results": (*baseline.results, plain),
            "collected": baseline.collected + 1,
            "exit_code": 1,
        }
    )
    reproduction = Reproduction(
        path=place.path, text=text, test=result.id, checks=checks, tried=tried
    )
    return Reproduced(reproduction, whole, spectrum, (result,))


def _run(deps: Deps, path: str, text: str, *, coverage: bool) -> TestReport:
    """The new file's tests; afterwards the file is gone again."""
    written = deps.call("write_file", path=path, content=text)
    if not written.ok:
        return TestReport(problem=written.content)
    try:
        return deps.run_tests([path], coverage=coverage)
    finally:
        deps.workspace.remove(path)


def _only(report: TestReport, path: str) -> TestResult | None:
    """The one failed test of the new file."""
    results = [result for result in report.results if result.path == path]
    return results[0] if len(results) == 1 and results[0] in report.failing else None


def _is_source(deps: Deps, path: str) -> bool:
    return deps.language.owns(path) and not deps.language.is_test(path)


def _problem(tried: int, reasons: Counter[str]) -> str:
    if not tried:
        return "The model wrote no test from it that may be run."
    told = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(4))
    return f"Different tests written from it: {tried}; none counts: {told}."
