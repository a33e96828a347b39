"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.bench.results import Grade, Result, Settings
from agent.bench.totals import Totals, total
from tools.text import one_line


def render(settings: Settings, results: Sequence[Result]) -> str:
    """Shares first, then what the ranking is worth, the strategies, the kinds, every task."""
    totals = total(results)
    parts = [
        f"# {totals.right} of {totals.tasks} right",
        _settings(settings),
        _shares(totals),
        _notes(totals),
        "## Choosing among survivors",
        _policies(totals),
        "## Strategies",
        _strategies(totals),
    ]
    if totals.misses:
        parts += ["## What was missed, and why", _misses(totals)]
    if totals.kinds:
        kinds = ((kind, f"{right} of {n}") for kind, (right, n) in totals.kinds.items())
        parts += ["## Kinds of bugs", _table(("kind", "right"), kinds)]
    parts += ["## Tasks", _tasks(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def line(result: Result) -> str:
    """One result in one line."""
    words = [result.id, result.miss.value if result.miss else result.grade.value]
    if result.problem:
        return f"{result.id}  {result.grade.value}: {one_line(result.problem, 200)}"
    if result.winners:
        words.append("+".join(result.winners))
    seconds = result.seconds if result.seconds_to_fix is None else result.seconds_to_fix
    words += [f"{seconds:.1f} s", f"{result.ran} candidates", f"{result.survivors} survivors"]
    return "  ".join(words)


def _settings(settings: Settings) -> str:
    chosen = ", ".join(settings.strategies) or "all"
    return (
        f"Tasks: `{settings.tasks}`. Model: {settings.model}. Budget: "
        f"{settings.budget_seconds:g} s a task. Strategies: {chosen}. Seed: {settings.seed}."
    )


def _shares(totals: Totals) -> str:
    rows = [
        ("right (hidden tests pass too)", _share(totals.right, totals.tasks)),
        ("plausible (visible tests pass)", _share(totals.plausible, totals.tasks)),
        ("overfits (plausible, not right)", _share(totals.overfits, totals.tasks)),
        ("median time to a verified fix", _seconds(totals.median_seconds)),
        ("90 % of the fixes within", _seconds(totals.p90_seconds)),
        ("time of all runs", _seconds(totals.run_seconds)),
        ("of it: plan, model, tests", _parts(totals)),
        ("tokens read, written", f"{totals.prompt_tokens:,}, {totals.completion_tokens:,}"),
        ("candidates tested", f"{totals.ran:,} in {_seconds(totals.verify_seconds)}"),
        ("candidates a second of verification", f"{totals.candidates_per_second or '–'}"),
    ]
    return _table(("measure", "value"), rows)


def _notes(totals: Totals) -> str:
    told = [
        (totals.without_hidden, "have no hidden tests: there, plausible counts as right"),
        (totals.failed, "ended with an error and count as not fixed"),
        (totals.unsound, "are themselves wrong and are left out"),
    ]
    return " ".join(f"{count} of the tasks {what}." for count, what in told if count)


def _policies(totals: Totals) -> str:
    rows = (
        (p.name, *(_share(n, totals.tasks) for n in (p.right, p.plausible, p.overfits)))
        for p in totals.policies
    )
    table = _table(("choice", "right", "plausible", "overfits"), rows)
    several = totals.several_survivors
    return f"{several} tasks have one bug and several different survivors.\n\n{table}"


def _misses(totals: Totals) -> str:
    table = _table(
        ("what went wrong first", "tasks"), ((kind, str(n)) for kind, n in totals.misses.items())
    )
    if not totals.with_reference:
        return table
    return (
        f"Of {totals.with_reference} tasks it is known which function the right mend changes. It "
        f"is among the suspects in {totals.localised} and the first in {totals.localised_first}."
        f"\n\n{table}"
    )


def _strategies(totals: Totals) -> str:
    head = ("strategy", "candidates", "survivors", "tasks with one", "won", "right", "test time")
    rows = (
        (
            *(s.name, f"{s.ran:,}", f"{s.survivors:,}", str(s.tasks_with_survivor)),
            *(str(s.tasks_won), str(s.tasks_right), _seconds(s.test_seconds)),
        )
        for s in totals.strategies
    )
    return _table(head, rows)


def _tasks(results: Sequence[Result]) -> str:
    rows = (
        (
            result.id,
            result.grade.value,
            f"{result.visible[0]}/{result.visible[1]}",
            f"{result.hidden[0]}/{result.hidden[1]}",
            _seconds(result.seconds_to_fix),
            str(result.rank or "–"),
            _tries(result),
            ", ".join(f"{a}: {b}" for a, b in zip(result.winners, result.operators, strict=True)),
            _remark(result),
        )
        for result in results
    )
    head = ("task", "grade", "visible", "hidden", "time", "rank", "tried", "mended by", "remark")
    return _table(head, rows)


def _tries(result: Result) -> str:
    """Candidates that ran, and those of them in the reference function where it is known."""
    if not result.has_reference:
        return str(result.ran)
    return f"{result.ran} ({result.tried_in_reference} there)"


def _remark(result: Result) -> str:
    if result.grade is Grade.OVERFITS and result.any_right:
        return "another survivor is right"
    told = (result.problem, result.note)
    said = result.miss.value if result.miss and result.grade is Grade.NOT_FIXED else ""
    return "; ".join(filter(None, (said, *told)))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(one_line(cell, 200).replace('|', chr(92) + '|') for cell in cells)} |"
        for cells in lines
    )


def _share(count: int, tasks: int) -> str:
    return f"{count} of {tasks} ({100 * count / tasks:.1f} %)" if tasks else "–"


def _parts(totals: Totals) -> str:
    spent = (totals.plan_seconds, totals.model_seconds, totals.test_seconds)
    return ", ".join(map(_seconds, spent))


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:,.1f} s"
