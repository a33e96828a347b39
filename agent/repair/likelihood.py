"""How much more the model likes edited code than the code as it is: one short pass a survivor.

What an edit leaves behind it counts as well: code that can no longer be reached is unlikely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.repair.edit import SourceReader, common, edited_files, read_source
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.seams import Budget, Candidate, Evidence, Language
from runtime.errors import BranchingUnsupported

TAIL = 2
"""Lines behind an edit that are read with it."""
MOST_LINES = 40
"""A longer edit is not read."""


class Scorer(Protocol):
    """A model endpoint that tells how likely given texts are."""

    def score(
        self, messages: Sequence[Mapping[str, Any]], forced: str, continuations: Sequence[str]
    ) -> Sequence[float]:
        """Nats of each continuation of an answer that begins with `forced`.

        Raises BranchingUnsupported when the endpoint has no such thing.
        """


class Likelihood:
    """Compares survivors by the model's own measure, whatever strategy made them."""

    def __init__(
        self, scorer: Scorer, languages: Sequence[Language], *, reader: SourceReader = read_source
    ) -> None:
        self._scorer = scorer
        self._prompt = FixPrompt(languages, reader)
        self._unsupported = False

    def of(
        self, candidates: Sequence[Candidate], evidence: Evidence, budget: Budget
    ) -> dict[int, float]:
        """By position in `candidates`: nats of the edited lines less those of the lines before.

        Candidates that cannot be shown, such as those of several files, are left out; so are
        those that the budget has no time for.
        """
        found: dict[int, float] = {}
        for place, edits in self._places(candidates, evidence):
            if budget.spent or self._unsupported:
                break
            olds = list(dict.fromkeys(edit.old for _, edit in edits))
            texts = [*olds, *(edit.new for _, edit in edits)]
            try:
                nats = self._scorer.score(
                    self._prompt.messages(evidence, place.shown), place.forced, texts
                )
            except BranchingUnsupported:
                self._unsupported = True
                break
            before = dict(zip(olds, nats, strict=False))
            for (position, edit), after in zip(edits, nats[len(olds) :], strict=True):
                found[position] = after - before[edit.old]
        return found

    def _places(
        self, candidates: Sequence[Candidate], evidence: Evidence
    ) -> Iterator[tuple[_Place, list[tuple[int, _Lines]]]]:
        """Edits that begin at one line; of a suspect the last line first, whose prefix holds those
        of the others: what the model has read is not read again."""
        edited = {splice.path for candidate in candidates for splice in candidate.splices}
        views = {
            number: view
            for number, suspect in enumerate(evidence.suspects)
            if suspect.path in edited
            and (view := self._prompt.shown(evidence, suspect)) is not None
        }
        places: dict[tuple[int, int], tuple[_Place, list[tuple[int, _Lines]]]] = {}
        for position, candidate in enumerate(candidates):
            number = _around(candidate, views)
            lines = None if number is None else self._lines(views[number], candidate)
            if number is None or lines is None:
                continue
            view = views[number]
            opening = self._prompt.opening(view) + view.header
            forced = opening + "".join(f"{line}\n" for line in lines.before)
            entry = places.setdefault((number, -len(lines.before)), (_Place(view, forced), []))
            entry[1].append((position, lines))
        for _, entry in sorted(places.items(), key=lambda item: item[0]):
            yield entry

    def _lines(self, shown: Shown, candidate: Candidate) -> _Lines | None:
        """What is read of an edit; None when not all of it can be seen."""
        path = candidate.splices[0].path
        inside = all(
            splice.path == path and shown.start <= splice.start and splice.end <= shown.end
            for splice in candidate.splices
        )
        if not inside:
            return None
        edited = edited_files(candidate.splices, {path: shown.source})[path]
        end = shown.end + len(edited) - len(shown.source)
        return _differing(
            _split(shown.source[shown.start : shown.end]),
            _split(edited[shown.start : end]),
            self._prompt.closing(shown).strip("\n"),
        )


@dataclass(frozen=True)
class _Place:
    shown: Shown
    forced: str
    """The answer up to the first edited line."""


@dataclass(frozen=True)
class _Lines:
    before: tuple[str, ...]
    """Lines that the edit does not reach."""
    old: str
    new: str
    """From the first line that differs to some lines behind the last one."""


def _around(candidate: Candidate, views: Mapping[int, Shown]) -> int | None:
    """The suspect with the fewest characters shown that hold all of the edit's first splice."""
    first = candidate.splices[0]
    holding = [
        (view.end - view.start, number)
        for number, view in views.items()
        if view.path == first.path and view.start <= first.start and first.end <= view.end
    ]
    return min(holding)[1] if holding else None


def _differing(old: list[str], new: list[str], closing: str) -> _Lines | None:
    """The lines in which two texts differ, with those behind; None when they are too many."""
    head = common(old, new)
    tail = common(old[head:][::-1], new[head:][::-1])
    if max(len(old), len(new)) - head - tail > MOST_LINES:
        return None
    following = [*old[len(old) - tail :], closing][:TAIL]
    texts = [
        "".join(f"{line}\n" for line in [*lines[head : len(lines) - tail], *following])
        for lines in (old, new)
    ]
    return _Lines(tuple(old[:head]), *texts)


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
