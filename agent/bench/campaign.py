"""Runs many tasks one after another; each result is on disk before the next task begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from agent.bench.case import Case
from agent.bench.results import Result, Settings
from agent.errors import Unusable

RESULTS, SETTINGS = "results.jsonl", "settings.json"


class Campaign:
    """The results of one benchmark, in a directory of its own."""

    def __init__(self, out: Path, settings: Settings, *, resume: bool) -> None:
        """Without `resume`, results of an earlier benchmark in `out` are removed.

        Raises Unusable when the results to go on from were measured otherwise, OSError.
        """
        out.mkdir(parents=True, exist_ok=True)
        self._file = out / RESULTS
        self._results: list[Result] = []
        if resume and self._file.exists():
            _require_equal(out / SETTINGS, settings)
            self._results = _whole_results(self._file)
        lines = [result.model_dump_json() + "\n" for result in self._results]
        self._file.write_text("".join(lines), "utf-8")
        (out / SETTINGS).write_text(settings.model_dump_json(indent=2) + "\n", "utf-8")

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple(self._results)

    def left(self, cases: Sequence[Case]) -> list[Case]:
        """Those that have no result yet."""
        known = {result.id for result in self._results}
        return [case for case in cases if case.id not in known]

    def run(self, cases: Sequence[Case], measure: Callable[[Case], Result]) -> Iterator[Result]:
        """The result of each, once it is kept."""
        for case in cases:
            result = measure(case)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(result.model_dump_json() + "\n")
            self._results.append(result)
            yield result


def choose(
    cases: Sequence[Case], only: Sequence[str] = (), every: int = 1, limit: int | None = None
) -> list[Case]:
    """The named ones, or every so-manieth, or the first so many of these.

    Raises Unusable for a name that no task has.
    """
    known = {case.id: case for case in cases}
    if len(known) < len(cases):
        raise Unusable("Two tasks have the same name; give each one of its own.")
    unknown = [name for name in only if name not in known]
    if unknown:
        some = ", ".join(list(known)[:5])
        raise Unusable(f"There is no task {unknown[0]!r}; the first ones are: {some}.")
    chosen = [known[name] for name in dict.fromkeys(only)] if only else list(cases)
    return chosen[::every][:limit]


def _whole_results(file: Path) -> list[Result]:
    """A last line that was cut off is not a result."""
    text = file.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1].splitlines()
    try:
        return [Result.model_validate_json(line) for line in whole]
    except ValidationError as error:
        raise Unusable(f"{file} holds no results of this version; remove it.") from error


def _require_equal(file: Path, settings: Settings) -> None:
    try:
        before = Settings.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise Unusable(f"{file} cannot be read, so the results cannot be resumed.") from error
    for name, value in settings:
        if getattr(before, name) != value:
            raise Unusable(
                f"The results to resume have another {name} ({getattr(before, name)!r}); "
                "give another --out."
            )
