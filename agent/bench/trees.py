"""Runs the tests of a tree, hidden ones included, in the sandbox; no workflow is involved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.repair.edit import edited_files, read_source
from agent.repair.seams import Splice
from tools.report import Outcome, TestReport
from tools.sandbox import Sandbox
from tools.testing import TestRunner, detect

TEST_SECONDS = 5.0
"""One test may take so long; a run of a whole tree takes at most `RUN_SECONDS`."""
RUN_SECONDS = 300.0
SURVIVOR_SECONDS = 60.0


@dataclass(frozen=True)
class Counts:
    passed: int
    total: int

    @property
    def all_pass(self) -> bool:
        return self.passed == self.total


@dataclass(frozen=True)
class Judgement:
    """What the tests say of one tree."""

    visible: Counts
    hidden: Counts
    plausible: bool
    """All visible tests ran and pass."""
    right: bool
    """So do all hidden ones; the same as plausible where nothing is hidden."""


class TreeTests:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def run(self, root: Path, command: str | None = None) -> TestReport:
        """All tests of a tree in a process of their own; raises ToolsError if nothing can run."""
        return self.runner(root, command).run(test_timeout=TEST_SECONDS)

    def judge(self, root: Path, hidden: Collection[str], command: str | None = None) -> Judgement:
        """`hidden` are the paths of the test files that the run did not see."""
        return judged(self.run(root, command), hidden)

    def judge_edits(
        self,
        root: Path,
        hidden: Collection[str],
        edits: Iterable[Sequence[Splice]],
        command: str | None = None,
    ) -> Iterator[Judgement]:
        """The same for each of many edits of the tree, which is as it was between them."""
        reports = self.run_edits(root, edits, None, SURVIVOR_SECONDS, TEST_SECONDS, command)
        return (judged(report, hidden) for report in reports)

    def run_edits(
        self,
        root: Path,
        edits: Iterable[Sequence[Splice]],
        selection: Sequence[str] | None,
        seconds: float,
        test_seconds: float,
        command: str | None = None,
    ) -> Iterator[TestReport]:
        """Runs `selection` (None for all) on each of many edits of the tree, made as it is asked.

        One worker forks for all of them: some milliseconds each.
        """
        with self.runner(root, command).session() as session:
            for splices in edits:
                before = {splice.path: read_source(root, splice.path) for splice in splices}
                _write(root, edited_files(splices, before))
                report = session.run(selection, seconds, test_timeout=test_seconds)
                _write(root, before)
                yield report

    def runner(self, root: Path, command: str | None = None) -> TestRunner:
        """Runs the tests of a tree as the workflow would; `command` is what a person typed."""
        return TestRunner(detect(root, command), root, self._sandbox, timeout=RUN_SECONDS)


def judged(report: TestReport, hidden: Collection[str]) -> Judgement:
    """The verdict of one run of all tests."""
    good = {Outcome.PASSED: True, Outcome.FAILED: False, Outcome.ERROR: False}
    told = [(r.path in hidden, good[r.outcome]) for r in report.results if r.outcome in good]
    seen = _counts(passed for is_hidden, passed in told if not is_hidden)
    unseen = _counts(passed for is_hidden, passed in told if is_hidden)
    plausible = seen.total > 0 and seen.all_pass
    # A run that broke off, or never reached the hidden tests, proves nothing.
    right = plausible and report.green and (unseen.total > 0 or not hidden)
    return Judgement(seen, unseen, plausible, right)


def _counts(passed: Iterable[bool]) -> Counts:
    outcomes = list(passed)
    return Counts(sum(outcomes), len(outcomes))


def _write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).write_bytes(text.encode("utf-8", "surrogateescape"))
