"""Whether named tests pass and no other got worse, on suites that may take many minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.bench.case import Built
from agent.bench.names import failed_before, find, passes_now
from agent.bench.trees import TreeTests
from agent.bench.tried import Story
from agent.errors import AgentError
from agent.repair.outcomes import regressed
from agent.repair.seams import Splice
from tools.report import Outcome, TestReport

WHOLE_SECONDS = 60.0
"""A suite that took no longer than this before the run is run whole."""
OTHERS_SECONDS = 60.0
"""Of a longer one, beside the files of the named tests, what took so long altogether."""
RUN_SECONDS = 300.0
"""No single run of tests may take longer."""
TEST_SECONDS = 30.0
SURVIVORS_SECONDS = 60.0
"""Survivors are judged in their order until so much time is spent; the first one always."""


class CouldNotRun(AgentError):
    """The tests that a task names did not fail before the run, so nothing can be mended."""


@dataclass(frozen=True)
class Selected:
    """Which tests decide. None selects the whole suite."""

    ids: tuple[str, ...] | None
    passing: tuple[str, ...]
    """Those of them that passed before the run."""
    left_out: int
    """Tests that passed before the run and are not run again, for want of time."""

    @property
    def note(self) -> str:
        if not self.left_out:
            return ""
        return f"{self.left_out} tests that passed before were not judged: the suite is too long."


@dataclass(frozen=True)
class Finding:
    """What the tests say of one tree."""

    passed: int
    total: int
    """Of the named tests."""
    worse: tuple[str, ...]
    """Tests that passed before the run and do not now."""

    @property
    def mended(self) -> bool:
        return self.passed == self.total and not self.worse


def select(built: Built, story: Story) -> Selected:
    """The tests that decide on a task, by what the run's first test run found.

    Raises CouldNotRun when a named test did not fail in it.
    """
    baseline = story.baseline
    for name in built.targets:
        if not failed_before(name, baseline):
            where = "did not run" if not find(name, baseline.results) else "passed"
            why = f": {baseline.problem}" if baseline.problem else ""
            raise CouldNotRun(f"{name} {where} before the run{why}.")
    passing = baseline.ids(Outcome.PASSED)
    if baseline.seconds <= WHOLE_SECONDS:
        return Selected(None, passing, 0)
    wanted = _near(built, baseline)
    spent, ran = 0.0, set(story.confirmed)
    for result in baseline.results:
        if result.id in ran and result.id not in wanted and result.outcome is Outcome.PASSED:
            spent += result.seconds
            if spent > OTHERS_SECONDS:
                break
            wanted.add(result.id)
    chosen = tuple(result.id for result in baseline.results if result.id in wanted)
    kept = tuple(name for name in passing if name in wanted)
    return Selected(chosen, kept, len(passing) - len(kept))


def judge(tests: TreeTests, built: Built, selected: Selected, before: Path, now: Path) -> Finding:
    """Run what was selected on the tree `now`; what got worse is run again, on `before` too.

    A test that fails only sometimes, or fails by now in the unedited tree as well, is no
    regression. Raises ToolsError if nothing can run.
    """
    runner = tests.runner(now, built.test_command)
    report = runner.run(selected.ids, timeout=RUN_SECONDS, test_timeout=TEST_SECONDS)
    worse = _worse(selected, report)
    if worse:
        again = runner.run(worse, timeout=RUN_SECONDS, test_timeout=TEST_SECONDS)
        old = tests.runner(before, built.test_command)
        unedited = old.run(worse, timeout=RUN_SECONDS, test_timeout=TEST_SECONDS)
        good = set(unedited.ids(Outcome.PASSED))
        worse = tuple(name for name in regressed(worse, again) if name in good)
    return Finding(_passed(built, report), len(built.targets), worse)


def judge_survivors(
    tests: TreeTests,
    built: Built,
    selected: Selected,
    root: Path,
    survivors: Sequence[Sequence[Splice]],
) -> list[bool]:
    """Whether each survivor is right, as far as the time goes."""
    end = time.monotonic() + SURVIVORS_SECONDS

    def in_time() -> Iterator[Sequence[Splice]]:
        for number, splices in enumerate(survivors):
            if number and time.monotonic() > end:
                return
            yield splices

    reports = tests.run_edits(
        root, in_time(), selected.ids, RUN_SECONDS, TEST_SECONDS, built.test_command
    )
    return [
        _passed(built, report) == len(built.targets) and not _worse(selected, report)
        for report in reports
    ]


def _near(built: Built, baseline: TestReport) -> set[str]:
    """All tests in the files that a named test is in."""
    named = [
        result
        for name in (*built.targets, *built.guarded)
        for result in find(name, baseline.results)
    ]
    paths = {result.path for result in named}
    broken = {result.id for result in baseline.failing if result.id == result.path}
    return broken | {result.id for result in baseline.results if result.path in paths}


def _worse(selected: Selected, report: TestReport) -> tuple[str, ...]:
    """Of a run that was cut short, only what it reached."""
    if not report.timed_out:
        return regressed(selected.passing, report)
    reached = {result.id for result in report.results}
    return regressed([name for name in selected.passing if name in reached], report)


def _passed(built: Built, report: TestReport) -> int:
    return sum(passes_now(name, report) for name in built.targets)
