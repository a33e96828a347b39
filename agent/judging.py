"""What a test report says about targets and regressions; the only place that decides it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tools.report import Outcome, TestReport

_GOOD = (Outcome.PASSED, Outcome.SKIPPED)


def passes(target: str, report: TestReport) -> bool:
    """Whether a test that failed passes now.

    A test file that could not be collected carries its path as the target: it passes when it is
    collected, whatever its tests then say; those that fail are further failures of their own.
    """
    own = [r for r in report.results if r.id == target]
    if own:
        return all(result.outcome in _GOOD for result in own)
    return any(result.path == target for result in report.results)


def passing(targets: Iterable[str], report: TestReport) -> tuple[str, ...]:
    return tuple(target for target in targets if passes(target, report))


def regressions(
    before: TestReport, after: TestReport, ignored: Collection[str] = ()
) -> tuple[str, ...]:
    """Ids that passed before and do not now; a test that is gone counts, a skipped one does not."""
    fine = set(after.ids(*_GOOD))
    return tuple(
        name for name in before.ids(Outcome.PASSED) if name not in fine and name not in ignored
    )
