"""From one test run to a numbered plan: which failing tests share a cause, and where it lies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from agent import environment
from agent.repair.budget import Budget
from agent.repair.seams import Language, Localizer, Suspect
from agent.state import Kind, PlanItem, Status
from tools.protection import USUAL, Protection
from tools.report import Outcome, TestReport, TestResult
from tools.text import one_line

MAX_ITEMS = 50
SUSPECTS_KEPT = 8
EXAMPLE = "doctest."
"""How the message begins with which an example in documentation fails."""
LEADING = 0.5
"""Share of the first suspect's score from which on tests lead to another suspect as well."""
AGAIN_SECONDS, AGAIN_SHARE = 15.0, 0.1
"""What must be left of the budget, in seconds and as a share, for a second turn."""
DOUBTFUL_WEIGHT, DOUBTFUL_SHARE = 0.25, 0.1
"""What failures that look like the machine's get together: a quarter of another bug's time, and
each never more than this share of the whole budget."""


def bug_items(
    root: Path,
    spectrum: TestReport,
    failing: Sequence[TestResult],
    localizer: Localizer,
    language: Language,
    protection: Protection = USUAL,
) -> list[PlanItem]:
    """One item for each group of failing tests whose most suspicious function is the same.

    `spectrum` is the run with coverage, `failing` the tests that failed and are not flaky. First
    comes what is told apart best; last, what looks like the machine and not like the code.
    """
    groups: dict[tuple[str, str], list[TestResult]] = {}
    doubtful: dict[str, list[TestResult]] = {}
    broken: list[TestResult] = []
    for test in failing:
        if _is_broken_test(test, root, language):
            broken.append(test)
            continue
        if reason := environment.reason(test, root):
            doubtful.setdefault(reason, []).append(test)
            continue
        suspects = localizer.localize(root, _focus(spectrum, [test]), by_name=False)
        key = _place(suspects[0]) if suspects else ("", "")
        groups.setdefault(key, []).append(test)
    merged = _merged(list(groups.values()), root, spectrum, localizer)
    reasons = [*("" for _ in merged), *doubtful]
    items = []
    for tests, reason in zip([*merged, *doubtful.values()], reasons, strict=True):
        every = localizer.localize(root, _focus(spectrum, tests))
        mendable = [suspect for suspect in every if not protection.covers(suspect.path)]
        items.append(_bug(tests, mendable[:SUSPECTS_KEPT], reason))
    stopped = {test.id for test in failing if test.hung}
    told = {test.id for test in failing if test.message.startswith(EXAMPLE)}
    items.sort(key=lambda item: _order(item, stopped, told))
    return items + [_broken(test) for test in broken]


def _order(
    item: PlanItem, stopped: Collection[str], told: Collection[str]
) -> tuple[bool, bool, bool, bool, float, int]:
    """`stopped`: tests that hang; `told`: examples in documentation, which age unseen."""
    top = max((suspect.score for suspect in item.suspects), default=0.0)
    hung = all(target in stopped for target in item.targets)
    example = all(target in told for target in item.targets)
    return bool(item.doubt), hung, not item.suspects, example, -round(top, 2), -len(item.targets)


def _merged(
    groups: list[list[TestResult]], root: Path, spectrum: TestReport, localizer: Localizer
) -> list[list[TestResult]]:
    """Joins a group to a larger one when they lead to one function that all their tests run.

    Any two tests share some function. So that one must be suspected at least as much as the smaller
    group's own first, and where they fail in different ways, that group must lead there by itself
    as well. Tests of one file that fail alike are joined, too, where both groups lead to the
    function, though neither has it first.
    """

    def led(tests: Sequence[TestResult]) -> tuple[Suspect, ...]:
        return localizer.localize(root, _focus(spectrum, tests), by_name=False)

    merged: list[list[TestResult]] = []
    for tests in sorted(groups, key=len, reverse=True):
        alone = led(tests)
        for other in merged:
            own, union = led(other), led([*other, *tests])[:1]
            if not (own and union) or not all(_runs(test, union[0]) for test in tests):
                continue
            same = _place(own[0]) == _place(union[0]) and _explains(union[0], alone)
            alike, both = _errors(tests) <= _errors(other), _leads_to(union[0], alone)
            beside = _files(tests) == _files(other) and both and _leads_to(union[0], own)
            if (same and (alike or both)) or (alike and beside):
                other += tests
                break
        else:
            merged.append(list(tests))
    return merged


def _errors(tests: Sequence[TestResult]) -> set[str]:
    """The kinds of exception that the tests fail with."""
    return {test.message.partition(":")[0] for test in tests}


def _files(tests: Sequence[TestResult]) -> set[str]:
    return {test.path for test in tests}


def _place(suspect: Suspect) -> tuple[str, str]:
    return suspect.path, suspect.name


def _leads_to(wanted: Suspect, suspects: Sequence[Suspect]) -> bool:
    """Whether it is suspected about as much as the first of these."""
    least = LEADING * suspects[0].score if suspects else 0.0
    return any(_place(one) == _place(wanted) and one.score >= least for one in suspects)


def _explains(shared: Suspect, own: Sequence[Suspect]) -> bool:
    """Whether one cause for all is no worse an explanation than one for the group by itself.

    Ochiai of a line grows with the failing tests that run it: where the shared function stays
    behind, passing tests run it as well. A wrapper that only the group's test names may have the
    larger score, and no line that sets the failing tests apart better.
    """
    if not own or shared.score >= own[0].score:
        return True
    shared_line, own_line = (max(one.lines.values(), default=0.0) for one in (shared, own[0]))
    return shared_line >= own_line > 0


def _runs(test: TestResult, suspect: Suspect) -> bool:
    lines = test.lines.get(suspect.path, ())
    return any(suspect.first_line <= line <= suspect.last_line for line in lines)


def number(items: Iterable[PlanItem]) -> list[PlanItem]:
    kept = list(items)[:MAX_ITEMS]
    return [item.model_copy(update={"number": i}) for i, item in enumerate(kept, 1)]


def existing(items: Iterable[PlanItem], root: Path) -> tuple[list[PlanItem], list[str]]:
    """The items whose file and lines exist, and a sentence for each that was dropped."""
    kept, dropped = [], []
    for item in items:
        path = root / item.path
        if not item.path or not path.is_file() or path.is_symlink():
            dropped.append(f"{item.title}: there is no file {item.path or '(none named)'}.")
            continue
        length = path.read_bytes().count(b"\n") + 1
        if not 1 <= item.first_line <= length:
            dropped.append(f"{item.title}: {item.path} has no line {item.first_line}.")
            continue
        kept.append(item)
    return kept, dropped


def _focus(spectrum: TestReport, failing: Sequence[TestResult]) -> TestReport:
    """The spectrum with only these of its failing tests, so that one cause shows."""
    wanted = {test.id for test in failing}
    covered = {test.id: test for test in spectrum.failing}
    results = [r for r in spectrum.results if r.outcome is Outcome.PASSED or r.id in wanted]
    results += [test for test in failing if test.id not in covered]
    return spectrum.model_copy(update={"results": tuple(results)})


def _is_broken_test(test: TestResult, root: Path, language: Language) -> bool:
    """Whether the test file itself does not parse: nothing that an edit elsewhere could mend."""
    path = root / test.path
    if test.outcome is not Outcome.ERROR or not test.path or not language.is_test(test.path):
        return False
    if not language.owns(test.path) or not path.is_file():
        return False
    return not language.parses(path.read_text("utf-8", errors="replace"))


def _bug(tests: Sequence[TestResult], suspects: Sequence[Suspect], doubt: str) -> PlanItem:
    first = tests[0]
    reason = one_line(first.message) or "it fails without a message"
    evidence = [f"looks like the environment: {doubt}"] if doubt else []
    evidence += [f"`{test.id}` fails: `{one_line(test.message, 160)}`" for test in tests[:5]]
    if len(tests) > 5:
        evidence.append(f"and {len(tests) - 5} more tests that fail in the same place")
    top = suspects[0] if suspects else None
    if top is not None:
        evidence += [f"suspected is `{top.name}`: {why}" for why in top.reasons[:3]]
    return PlanItem(
        number=0,
        kind=Kind.BUG,
        title=f"{len(tests)} failing test{'s' * (len(tests) > 1)}: {one_line(reason, 100)}",
        path=top.path if top else first.path,
        first_line=top.first_line if top else 1,
        last_line=top.last_line if top else 1,
        evidence=tuple(evidence),
        proposal=(
            f"Search for an edit of `{top.name}` that makes them pass"
            + (f", then of {len(suspects) - 1} other suspects." if len(suspects) > 1 else ".")
            if top
            else "No line of the repository can be suspected from these tests."
        ),
        targets=tuple(test.id for test in tests),
        suspects=tuple(suspects),
        subject=top.name if top else "",
        doubt=doubt,
    )


def _broken(test: TestResult) -> PlanItem:
    return PlanItem(
        number=0,
        kind=Kind.BUG,
        title=f"The test file {test.path} cannot be read by the interpreter",
        path=test.path,
        first_line=test.frames[-1].line if test.frames else 1,
        last_line=test.frames[-1].line if test.frames else 1,
        evidence=(one_line(test.message, 200),),
        proposal="None: tests are never edited. Mend the test file by hand.",
        targets=(test.id,),
        status=Status.REPORTED,
        note="Tests are never edited; this file needs a person.",
    )


def next_open(items: Sequence[PlanItem], start: int) -> int:
    """Index of the first open item from `start` on; the number of items when none is left."""
    for index in range(start, len(items)):
        if items[index].status is Status.OPEN:
            return index
    return len(items)


def share(budget: Budget, items: Sequence[PlanItem], current: int, reserve: float = 0.0) -> float:
    """When the current item's time is up, in seconds spent by the run.

    Bugs that are still open share what is left, so that one that cannot be mended does not starve
    the others; those that look like the machine's fault get little. `reserve` seconds are kept
    for what comes behind all items.
    """
    left = max(0.0, budget.seconds_left - reserve)
    shared = [item for item in items[current:] if _is_searched(item)]
    doubtful = sum(1 for item in shared if item.doubt)
    own = left / max(1.0, len(shared) - doubtful + DOUBTFUL_WEIGHT * (doubtful > 0))
    if current < len(items) and items[current].doubt:
        own *= DOUBTFUL_WEIGHT / max(1, doubtful)
        own = min(own, DOUBTFUL_SHARE * (budget.seconds_spent + budget.seconds_left))
    return budget.seconds_spent + own


def reopened(
    items: Sequence[PlanItem], accepted: int, budget: Budget, reserve: float = 0.0
) -> list[PlanItem]:
    """The items with those open again that can use the time that others left, each of them once.

    These are the ones whose share of the time ended before the search did, and those that were
    given up before another fault was mended, which may have stood in their way. `accepted`: edits
    accepted so far; `reserve`: as for `share`.
    """
    whole = budget.seconds_spent + budget.seconds_left
    if budget.seconds_left - reserve < max(AGAIN_SECONDS, AGAIN_SHARE * whole):
        return list(items)
    return [
        item.model_copy(update={"status": Status.OPEN, "turn": item.turn + 1})
        if _deserves_more(item, accepted)
        else item
        for item in items
    ]


def first_round(items: Sequence[PlanItem], accepted: int) -> int:
    """Where the first item's search begins: anew, unless nothing was mended since it ended."""
    before = items[0].given_up if items else None
    return before.round if before is not None and before.accepted == accepted else 0


def _deserves_more(item: PlanItem, accepted: int) -> bool:
    if item.status is not Status.FAILED or item.doubt or item.turn > 1 or item.given_up is None:
        return False
    return item.given_up.by_time or item.given_up.accepted < accepted


def _is_searched(item: PlanItem) -> bool:
    return item.status is Status.OPEN and bool(item.targets and item.suspects)
