"""How much of a suite an edit is checked with, when all of it takes too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import PurePosixPath

from agent.repair.seams import Splice
from tools.report import Outcome, TestReport, TestResult

SLOW_SECONDS, SLOW_SHARE = 20.0, 0.05
"""A suite that takes longer, or more of the whole budget, is not run for each survivor."""
TEST_OVERHEAD = 0.005
"""Seconds of the runner's own for each test."""


def is_slow(whole: TestReport, budget_seconds: float) -> bool:
    """Whether a run of all tests, as `whole` was one, is too dear to be repeated at will."""
    return whole.timed_out or usual_seconds(whole) > min(SLOW_SECONDS, SLOW_SHARE * budget_seconds)


def usual_seconds(whole: TestReport) -> float:
    """What the run would take if no test hung: a mended repository has none that does."""
    return max(0.0, whole.seconds - sum(test.seconds for test in whole.results if test.hung))


def near(
    whole: TestReport, edited: Mapping[str, set[int]], targets: Sequence[str], seconds: float
) -> tuple[str, ...]:
    """Ids of passing tests near an edit, nearest first, that take at most `seconds` together.

    Nearest are tests that ran an edited line, then those in the files of the failing tests, then
    those in test files that are named after an edited file. `edited` has line numbers by path.
    """
    passing = [test for test in whole.results if test.outcome is Outcome.PASSED]
    files = {test.path for test in whole.results if test.id in set(targets)}
    stems = {PurePosixPath(path).stem for path in edited}
    groups = (
        [test for test in passing if covers(test, edited)],
        [test for test in passing if test.path in files],
        [test for test in passing if _named_after(test.path) in stems],
    )
    return tuple(_affordable(chain(*groups), seconds))


def edited_lines(splices: Iterable[Splice], sources: Mapping[str, str]) -> dict[str, set[int]]:
    """Line numbers by path that the splices replace, or stand before, in `sources`."""
    edited: dict[str, set[int]] = {}
    for splice in splices:
        source = sources[splice.path]
        first = source.count("\n", 0, splice.start) + 1
        last = source.count("\n", 0, splice.end) + 1
        edited.setdefault(splice.path, set()).update(range(first, last + 1))
    return edited


def covers(test: TestResult, edited: Mapping[str, set[int]]) -> bool:
    """Whether the test ran an edited line, as far as coverage was measured."""
    return any(not lines.isdisjoint(test.lines.get(path, ())) for path, lines in edited.items())


def merged(whole: TestReport, part: TestReport) -> TestReport:
    """`whole` with what `part`, a later run of some of its tests, says of them."""
    fresh = {result.id: result for result in part.results}
    # A file that could not be collected stood for its tests, which have names of their own now.
    collected = {result.path for result in part.results} - fresh.keys()
    kept = [fresh.pop(r.id, r) for r in whole.results if r.id not in collected]
    return whole.model_copy(update={"results": (*kept, *fresh.values())})


def _affordable(tests: Iterator[TestResult], seconds: float) -> Iterator[str]:
    taken: set[str] = set()
    for test in tests:
        cost = test.seconds + TEST_OVERHEAD
        if test.id not in taken and cost <= seconds:
            taken.add(test.id)
            seconds -= cost
            yield test.id


def _named_after(path: str) -> str:
    """`parser` for `tests/test_parser.py` and `parser_test.py`."""
    return PurePosixPath(path).stem.removeprefix("test_").removesuffix("_test")
