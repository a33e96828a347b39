"""The tests before any edit: all of them if time allows, then with coverage those that matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from agent import environment
from agent.deps import Deps
from agent.errors import Unusable
from agent.events import Doing, Note, TestsFinished
from agent.recency import recency
from agent.repair import affordable
from agent.state import dump
from tools.report import Outcome, TestReport, TestResult

FIRST_SHARE, SECOND_SHARE, LEAST = 0.2, 0.15, 10.0
"""The first run is stopped at this share of the budget, but not before so many seconds. Then the
test files that it did not reach get another share: those that came first may be the slow ones."""
PATIENT_SHARE, PATIENT_LEAST = 0.1, 12.0
"""Tests that were stopped are run once more, in this share of the budget: each may take up to half
of it, 15 s of five minutes instead of 6. With fewer seconds they would have no more than before."""
QUICK_SECONDS = 10.0
"""Coverage is measured on all passing tests of a suite that takes no longer, else on this many:"""
SPECTRUM_TESTS, SPECTRUM_FILES = 400, 12
"""Tests, from this many files: collecting a file under a tracer takes long."""
SLOWDOWN, SPECTRUM_LEAST, SPECTRUM_MOST, SPECTRUM_SHARE = 4.0, 5.0, 30.0, 0.15
"""The run with coverage may take this many times the first one, within these seconds and no more
than this share of the budget."""
TINY_SECONDS, FAILING_SHARE = 2.0, 0.12
"""Of a suite that takes longer, the failing tests are measured in a run of their own, which may
take this share of the budget: a limit on the others must not leave nothing of them."""


def run_all(deps: Deps) -> tuple[TestReport, list[str]]:
    """The first run, and one sentence on what it could not do, if there is anything.

    Raises Unusable when no test ran.
    """
    budget = deps.task.budget_seconds
    report = deps.run_tests(clean=True, timeout=max(FIRST_SHARE * budget, min(LEAST, budget)))
    cut = report.timed_out and bool(report.results)
    if cut:
        report = _with_others(deps, without_interrupted(report), SECOND_SHARE * budget)
    report = _waited_for(deps, report)
    deps.record.write("baseline", report=dump(report))
    if not report.results:
        reason = report.problem or "no test was collected"
        raise Unusable(
            f"The tests of {deps.task.path} did not run: {reason} "
            "Name the right command with --test-cmd."
        )
    deps.emit(TestsFinished.of(report, "before"))
    told = _stopped(report) if cut else report.problem
    if told:
        deps.emit(Note(text=told, level="warning"))
    if endless := _endless(deps, report):
        text = f"{_count(endless)} did not end. Only slow? A longer --budget gives each more time."
        deps.emit(Note(text=text, level="warning"))
    return report, [told] if cut else []


def _waited_for(deps: Deps, report: TestReport) -> TestReport:
    """The report with what tests do that were stopped, once they are given more time.

    One that is only slow has not failed. What waits for a server or the like is not waited for.
    """
    seconds = PATIENT_SHARE * deps.task.budget_seconds
    stopped = _endless(deps, report)
    if not stopped or seconds < PATIENT_LEAST:
        return report
    deps.emit(Doing(text=f"Waiting longer for {_count(stopped)} that did not end"))
    again = deps.run_tests([test.id for test in stopped], clean=True, timeout=seconds)
    if again.timed_out and again.results:
        again = without_interrupted(again)
    ended = {test.id: test.seconds for test in again.results if not test.hung}
    longer = sum(ended[test.id] - test.seconds for test in stopped if test.id in ended)
    both = affordable.merged(report, again)
    return both.model_copy(update={"seconds": report.seconds + longer})


def _endless(deps: Deps, report: TestReport) -> list[TestResult]:
    """Tests that were stopped, and that more time may tell something of."""
    root = deps.workspace.root
    return [t for t in report.failing if t.hung and not environment.reason(t, root)]


def _count(tests: Sequence[TestResult]) -> str:
    return f"{len(tests)} test{'s' * (len(tests) > 1)}"


def _with_others(deps: Deps, first: TestReport, seconds: float) -> TestReport:
    """The report with what can be learnt in `seconds` of the test files that were not reached."""
    reached = {result.path for result in first.results}
    folders = {path.partition("/")[0] for path in reached}
    others = [
        path
        for path in deps.workspace.manifest.files
        if path not in reached and path.partition("/")[0] in folders and _holds_tests(path)
    ]
    # A command of the user's own may leave files out on purpose.
    if not others or deps.task.test_command is not None:
        return first
    # Who changes code changes its tests: the newest are the likeliest to fail.
    others = recency(Path(deps.task.path), others).newest_first(others)
    second = deps.run_tests(others, clean=True, timeout=seconds)
    if second.timed_out and second.results:
        second = without_interrupted(second)
    both = affordable.merged(first, second)
    return both.model_copy(update={"seconds": first.seconds + second.seconds})


def _holds_tests(path: str) -> bool:
    name = PurePosixPath(path)
    return name.suffix == ".py" and (name.stem.startswith("test_") or name.stem.endswith("_test"))


def _stopped(report: TestReport) -> str:
    known = f" of {report.collected}" if report.collected > len(report.results) else ""
    return (
        f"The tests were stopped after {report.seconds:.0f} s, for they may take no more of the "
        f"budget: {len(report.results)}{known} ran, the others are not known."
    )


def without_interrupted(report: TestReport) -> TestReport:
    """The test that ran when the time was over did not fail: it was not waited for."""
    *rest, last = report.results
    if last.hung:
        return report.model_copy(update={"results": tuple(rest)})
    return report


def with_coverage(
    deps: Deps, baseline: TestReport
) -> tuple[TestReport, tuple[TestResult, ...], list[str]]:
    """The run with coverage, the tests that fail every time, and those that are flaky."""
    if not baseline.failing:
        return baseline, (), []
    wanted = [test.id for test in _telling_first(deps, baseline.failing)]
    report = _measured(deps, baseline, wanted)
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


def _telling_first(deps: Deps, failing: Sequence[TestResult]) -> list[TestResult]:
    """Tests that wait for a network or hang come last, lest they use up the time of the others.

    Of those that wait for a server or the like one is enough, for none runs what it would measure.
    """
    root = deps.workspace.root
    waiting = [test.id for test in failing if environment.waits_by_itself(test)]
    left_out = set(waiting[1:])
    wanted = [test for test in failing if test.id not in left_out]
    return sorted(wanted, key=lambda test: (test.hung, bool(environment.reason(test, root))))


def _measured(deps: Deps, baseline: TestReport, wanted: list[str]) -> TestReport:
    """What the failing tests run, and those passing ones that there is time for."""
    budget = deps.task.budget_seconds
    limit = _coverage_limit(baseline, budget)
    if baseline.seconds <= TINY_SECONDS:
        return _run_measured(deps, [*wanted, *chosen(baseline)], limit)
    first = _run_measured(deps, wanted, max(limit, FAILING_SHARE * budget))
    others = chosen(baseline)
    if not others:
        return first
    second = _run_measured(deps, others, limit)
    both = affordable.merged(first, second)
    lines = {
        path: tuple(sorted({*first.import_lines.get(path, ()), *second.import_lines.get(path, ())}))
        for path in {**first.import_lines, **second.import_lines}
    }
    imports = {**second.imports, **first.imports}
    return both.model_copy(update={"import_lines": lines, "imports": imports})


def _run_measured(deps: Deps, selection: list[str], seconds: float) -> TestReport:
    report = deps.run_tests(selection, coverage=True, timeout=seconds)
    return without_interrupted(report) if report.timed_out and report.results else report


def _coverage_limit(baseline: TestReport, budget: float) -> float:
    usual = max(SPECTRUM_LEAST, SLOWDOWN * baseline.seconds)
    return min(usual, SPECTRUM_MOST, max(SPECTRUM_LEAST, SPECTRUM_SHARE * budget))


def chosen(baseline: TestReport) -> list[str]:
    """Ids of passing tests to measure, those that tell most about the failing ones first.

    With few passing tests an innocent function that happens to run in none of them looks guilty.
    """
    ordered = list(_by_nearness(baseline))
    if baseline.seconds <= QUICK_SECONDS and not baseline.timed_out:
        return ordered
    paths = {test.id: test.path for test in baseline.results}
    files = set(list(dict.fromkeys(paths[name] for name in ordered))[:SPECTRUM_FILES])
    return [name for name in ordered if paths[name] in files][:SPECTRUM_TESTS]


def _by_nearness(baseline: TestReport) -> Iterator[str]:
    """Tests in the files of failing ones, then in files whose names are like theirs, then others.

    Of files that are equally like, one test is taken of each in turn.
    """
    failing = {test.path for test in baseline.failing}
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for test in baseline.results:
        if test.outcome is Outcome.PASSED:
            by_file[test.path].append(test.id)
    for path in sorted(failing):
        yield from by_file.pop(path, ())
    words = set().union(*map(_words, failing))
    alike: defaultdict[int, list[list[str]]] = defaultdict(list)
    for path, names in by_file.items():
        alike[len(words & _words(path))].append(names)
    for shared in sorted(alike, reverse=True):
        yield from _in_turn(alike[shared])


def _in_turn(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in zip_longest(*groups):
        yield from (name for name in row if name is not None)


def _words(path: str) -> set[str]:
    """What a test file is about, by its name and its folders: `{"io", "parser"}`."""
    place = PurePosixPath(path)
    parts = [*place.parent.parts, place.stem]
    return {word for part in parts for word in part.split("_")} - {"test", "tests", ""}
