"""What a test report says of targets and regressions; the only place that decides it."""

from __future__ import annotations

from collections.abc import Sequence

from tools.report import Outcome, TestReport


def passed_targets(targets: Sequence[str], report: TestReport) -> int:
    """How many of the failing tests pass now."""
    return sum(passes(target, report) for target in targets)


def passes(target: str, report: TestReport) -> bool:
    """Whether a test that failed passes now; to be skipped is not to pass.

    A test file that could not be collected carries its path as the target: it passes when it is
    collected, whatever its tests then say; those that fail are further failures of their own.
    """
    own = [result for result in report.results if result.id == target]
    if own:
        return all(result.outcome is Outcome.PASSED for result in own)
    return any(result.path == target for result in report.results)


def regressed(before: Sequence[str], report: TestReport) -> tuple[str, ...]:
    """Tests that passed before and do not now.

    Those that fail are named; when none does, those that are gone, skipped or were never reached.
    """
    failed = set(report.ids(Outcome.FAILED, Outcome.ERROR))
    good = set(report.ids(Outcome.PASSED))
    worse = tuple(name for name in before if name in failed)
    return worse or tuple(name for name in before if name not in good)
