"""Fill in the middle: the model writes a suspicious line anew, seeing what stands on both sides.

A model trained on gaps (Bavarian et al., "Efficient Training of Language Models to Fill in the
Middle", arXiv 2207.14255) is asked what usually stands there, not what is wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log
from typing import Protocol

from agent.repair.budget import Budget
from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.novelty import Novelty
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.seams import Candidate, Evidence, Language, Suspect
from runtime.client import Answer
from runtime.errors import InfillUnsupported
from tools.report import TestResult
from tools.text import head_and_tail, strip_control

SPREAD: tuple[tuple[int, float], ...] = ((1, 0.0), (7, 0.6), (8, 1.0))
"""Samples of a gap and their temperature, one request each; greedy first."""
MAX_BEFORE, MAX_AFTER, MAX_EVIDENCE = 800, 300, 500
"""Characters of the file around the function, and of the failure in the comment above it."""
MARKED = 6
"""Lines of a traceback that are told."""
MAX_TOKENS = 48
MAX_SUSPECTS = 3
GAP_BEHIND = 3
"""So many lines are written anew before something is put in front of the most suspicious one."""
SAMPLED = 4
"""Holes of a round that are sampled; each costs as much as the greedy answers of five others."""
_COMMENTS = {"python": "# "}
"""How a comment begins, in languages where it is not `// `."""


class Filler(Protocol):
    """A model endpoint that fills gaps."""

    def complete(
        self,
        before: str,
        after: str,
        *,
        n: int,
        max_tokens: int,
        temperature: float,
        seed: int | None,
        stop: Sequence[str],
    ) -> Answer:
        """Raises InfillUnsupported when its model cannot."""


@dataclass(frozen=True)
class Hole:
    """Whole lines of `Shown.text` that the model is to write, or a place in front of one."""

    start: int
    end: int
    """Character offsets; the line end belongs to the hole, and both are equal for a gap."""
    following: str
    """The first line behind the hole that says something."""

    @property
    def is_gap(self) -> bool:
        return self.start == self.end

    @property
    def stop(self) -> str:
        """A line ends with itself; what is put in front ends with what is there."""
        return f"\n{self.following}" if self.is_gap and self.following else "\n"


class InfillProposer:
    """Opens the most suspicious lines of the first suspects, one hole after the other."""

    name = "infill"

    def __init__(
        self,
        filler: Filler,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
        spread: Sequence[tuple[int, float]] = SPREAD,
        first: int = 0,
        last: int = 8,
    ) -> None:
        """Only holes `first` to `last` (exclusive), in the order of their suspicion."""
        self._filler = filler
        self._prompt = FixPrompt(languages, reader)
        self._spread = tuple(spread)
        self._first, self._last = first, last
        self.unsupported = False
        """Whether the endpoint's model turned out unable to fill gaps."""

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Each hole greedily first; then samples of those where that was not what stands there.

        A model that writes the very line again has little else to say about it. Half of the time
        that is left is for the tests.
        """
        reserve = budget.seconds_left / 2
        opened = list(islice(self._opened(evidence), self._first, self._last))
        count, temperature = self._spread[0]
        for place in opened:
            if budget.seconds_left >= reserve:
                yield from self._filled(place, evidence, budget, 0, count, temperature)
        opened.sort(key=lambda place: place.kept > 0)
        for place in opened[:SAMPLED]:
            for turn, (count, temperature) in enumerate(self._spread[1:], 1):
                if budget.seconds_left < reserve:
                    return
                yield from self._filled(place, evidence, budget, turn, count, temperature)

    def _opened(self, evidence: Evidence) -> Iterator[_Place]:
        """All holes of the first suspects."""
        for suspect in evidence.suspects[:MAX_SUSPECTS]:
            shown = self._prompt.shown(evidence, suspect)
            language = self._prompt.language(suspect.path)
            if shown is None or language is None:
                continue
            novelty = Novelty(shown, language)
            for hole in holes(shown, suspect, evidence):
                yield _Place(shown, hole, language, novelty)

    def _filled(
        self,
        place: _Place,
        evidence: Evidence,
        budget: Budget,
        turn: int,
        count: int,
        temperature: float,
    ) -> Iterator[Candidate]:
        """Candidates of one request, what was written most often first."""
        if budget.spent or self.unsupported:
            return
        before, after = surroundings(evidence, place.shown, place.hole, place.language)
        try:
            answer = self._filler.complete(
                before,
                after,
                n=count,
                max_tokens=MAX_TOKENS,
                temperature=temperature,
                seed=evidence.seed + 100 * place.hole.start + turn,
                stop=[place.hole.stop],
            )
        except InfillUnsupported:
            self.unsupported = True
            return
        ended = zip(answer.texts, answer.finish, strict=True)
        for edit, nats in place.edits([text for text, finish in ended if finish == "stop"]):
            yield Candidate(
                strategy=self.name,
                operator=edit.operator,
                splices=(edit.splice(place.shown.path),),
                log_probability=nats,
            )


@dataclass
class _Place:
    """A hole in the code of a suspect, and what was put into it so far."""

    shown: Shown
    hole: Hole
    language: Language
    novelty: Novelty
    """Of the suspect; shared by all its holes."""
    kept: int = 0
    """Samples that were what stands there."""

    def edits(self, texts: Sequence[str]) -> Iterator[tuple[Edit, float]]:
        """New edits that parse, and how much more often each was written than what stands there,
        in nats."""
        shown = self.shown
        old = shown.text[self.hole.start : self.hole.end].strip()
        counts = Counter(_written(text, self.hole) for text in texts)
        self.kept += sum(count for text, count in counts.items() if text.strip() == old)
        for text, count in counts.most_common():
            edit = _edit(shown, self.hole, text) if text.strip() != old else None
            new = self.novelty.new(edit) if edit is not None else None
            if new is not None:
                yield new, log(count / (self.kept + 1))


def holes(shown: Shown, suspect: Suspect, evidence: Evidence) -> list[Hole]:
    """Lines of the suspect and gaps before them, the most suspicious first."""
    first = shown.source.count("\n", 0, shown.start) + 1
    failed = {f.line for t in evidence.failing for f in t.frames if f.path == suspect.path}
    ranked: list[tuple[float, int, int]] = []
    rows = shown.body.split("\n")
    for index, row in enumerate(rows):
        number = first + index
        score = suspect.lines.get(number, 0.0) if suspect.lines else 0.5
        if row.strip() and score > 0:
            ranked.append((-score - (number in failed), index, number))
    order = [index for _, index, _ in sorted(ranked)]
    starts = [len(shown.header)]
    for row in rows:
        starts.append(starts[-1] + len(row) + 1)

    def hole(index: int, size: int) -> Hole:
        behind = [row for row in rows[index + size :] if row.strip()]
        return Hole(starts[index], min(starts[index + size], len(shown.text)), "".join(behind[:1]))

    found = [(rank, hole(index, 1)) for rank, index in enumerate(order)]
    # Nothing can stand in front of a function's own first line.
    found += [(rank + GAP_BEHIND, hole(index, 0)) for rank, index in enumerate(order) if index]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def surroundings(
    evidence: Evidence, shown: Shown, hole: Hole, language: Language
) -> tuple[str, str]:
    """What stands before the hole, the failure as a comment included, and what stands behind."""
    mark = _COMMENTS.get(language.name, "// ")
    told = "\n".join(_failure(test) for test in evidence.failing[:1])
    told = head_and_tail(f"The code below had a bug:\n{told}", MAX_EVIDENCE)
    comment = "".join(f"{mark}{row}\n" for row in told.splitlines())
    above = "" if shown.header else _plain(shown.source[: shown.start])[-MAX_BEFORE:]
    if len(above) == MAX_BEFORE:
        above = above.partition("\n")[2]
    below = _plain(shown.source[shown.end :])[:MAX_AFTER]
    before, after = f"{above}{comment}{shown.text[: hole.start]}", shown.text[hole.end :] + below
    if hole.is_gap:
        # The line end is the model's to write: then what is there stops it from the first line on.
        return before.removesuffix("\n"), f"\n{after}"
    return before, after or "\n"


def _failure(test: TestResult) -> str:
    """The lines that the runner marks in the traceback, such as the assertion; else its message."""
    marked = [row[1:].strip() for row in test.traceback.splitlines() if row[:1] in (">", "E")]
    return "\n".join(strip_control(row) for row in marked[-MARKED:]) or strip_control(test.message)


def _plain(text: str) -> str:
    return re.sub(r"\r\n|\r", "\n", text)


def _written(text: str, hole: Hole) -> str:
    """A sample without blank ends; what only repeats the line behind a gap is nothing."""
    text = text.rstrip()
    first = text.lstrip("\n").partition("\n")[0].strip()
    return "" if hole.is_gap and first == hole.following.strip() else text.strip("\n")


def _edit(shown: Shown, hole: Hole, text: str) -> Edit | None:
    """The edit of the file; None for nothing put into a gap."""
    start, end = shown.offset(hole.start), shown.offset(hole.end)
    if start is None or end is None or (hole.is_gap and not text.strip()):
        return None
    newline = "\r\n" if "\r\n" in shown.source else "\n"
    added = text.replace("\n", newline)
    whole = hole.is_gap or shown.text[hole.start : hole.end].endswith("\n")
    if text.strip() and whole:
        added += newline
    operator = "lines put in" if hole.is_gap else "line filled" if text.strip() else "line left out"
    return Edit(start, end, added, operator)
