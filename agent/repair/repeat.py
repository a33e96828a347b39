"""Edits that mended other items, made again where the code is the same but for names and literals.

A slip is often made in several places, which are then mended alike: "evolutionary siblings" (Saha,
Saha and Prasad, Harnessing Evolution for Multi-Hunk Program Repair, ICSE 2019).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from agent.repair.budget import Budget
from agent.repair.edit import SourceReader, apply_splices, read_source
from agent.repair.seams import Candidate, Change, Evidence, Language, Proposer, Splice, Suspect

MAX_CANDIDATES = 16
TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\s+|.", re.DOTALL)
"""A word, a number, a string, white space, or any other character."""
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line with its end."""


@dataclass(frozen=True)
class _Place:
    """Where a change may be made again."""

    suspect: int
    """Rank of the suspect that it lies in."""
    renamed: int
    """How many names and literals differ there."""
    splice: Splice


class RepeatProposer:
    """In the suspects' own lines; the same code first, then that with the fewest other names."""

    name = "repeat"

    def __init__(
        self, languages: Sequence[Language], *, reader: SourceReader = read_source
    ) -> None:
        self._languages = tuple(languages)
        self._reader = reader

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Nothing without a change that mended another item."""
        found = [
            place
            for rank, suspect in enumerate(evidence.suspects)
            for place in self._places(evidence, suspect, rank)
        ]
        found.sort(key=lambda place: (place.renamed > 0, place.suspect, place.renamed))
        # Suspects may lie within each other: a function in its class, in its file.
        known: dict[Splice, _Place] = {}
        for place in found:
            known.setdefault(place.splice, place)
        for place in islice(known.values(), MAX_CANDIDATES):
            if budget.spent:
                return
            told = "the same edit" + (" with other names" if place.renamed else "")
            yield Candidate(strategy=self.name, operator=told, splices=(place.splice,))

    def _places(self, evidence: Evidence, suspect: Suspect, rank: int) -> Iterator[_Place]:
        language = self._language(suspect.path)
        if language is None:
            return
        try:
            source = self._reader(evidence.root, suspect.path)
        except OSError:
            return
        for change in evidence.changes:
            for renamed, splice in _again(source, suspect, change):
                edited = apply_splices(source, (splice,))
                if edited != source and language.parses(edited):
                    yield _Place(rank, renamed, splice)

    def _language(self, path: str) -> Language | None:
        for language in self._languages:
            if language.owns(path) and not language.is_test(path):
                return language
        return None


class Preceded:
    """A proposer's candidates behind the few of another, as if they were its own."""

    def __init__(self, first: Proposer, then: Proposer) -> None:
        self.name = then.name
        self._both = (first, then)

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        return chain.from_iterable(one.propose(evidence, budget) for one in self._both)


def _again(source: str, suspect: Suspect, change: Change) -> Iterator[tuple[int, Splice]]:
    """The change made on each stretch of the suspect that reads as its lines did, and how many
    names differ there."""
    if not change.before:
        return
    rows = LINE.findall(source)
    bare = [row.rstrip("\r\n") for row in rows]
    widths, wanted = _widths(bare), _widths(change.before)
    count = len(change.before)
    for first in range(suspect.first_line - 1, min(suspect.last_line, len(rows)) - count + 1):
        if widths[first : first + count] != wanted:
            continue  # it cannot be; what follows takes its time
        names = _names(_moved(change.before, change, bare[first]), bare[first : first + count])
        if names is None:
            continue
        after = [_called(row, names) for row in _moved(change.after, change, bare[first])]
        if _stands(after, bare, first, count):
            continue
        newline = rows[first][len(bare[first]) :] or "\n"
        start, end = (sum(map(len, rows[:number])) for number in (first, first + count))
        if after:
            end -= len(rows[first + count - 1]) - len(bare[first + count - 1])
        renamed = sum(old != new for old, new in names.items())
        text = newline.join(after)
        yield renamed, Splice(path=suspect.path, start=start, end=end, text=text)


def _widths(rows: Sequence[str]) -> list[int]:
    """The number of tokens in each line, its margin left out."""
    return [len(TOKEN.findall(row.strip())) for row in rows]


def _moved(rows: Sequence[str], change: Change, here: str) -> list[str]:
    """Lines of the change, indented as they would be if its first one stood in the line `here`."""
    was, now = _margin(change.before[0]), _margin(here)
    moved = []
    for row in rows:
        margin = _margin(row)
        deeper = margin.removeprefix(was) if margin.startswith(was) else ""
        outer = max(0, len(was) - len(margin))
        moved.append(now[: max(0, len(now) - outer)] + deeper + row.lstrip() if row.strip() else "")
    return moved


def _margin(row: str) -> str:
    return row[: len(row) - len(row.lstrip())]


def _names(before: Sequence[str], here: Sequence[str]) -> dict[str, str] | None:
    """What the words and literals of some lines are called in others; None where more than half
    of them differ, or something else does."""
    ours, theirs = TOKEN.findall("\n".join(before)), TOKEN.findall("\n".join(here))
    if len(ours) != len(theirs):
        return None
    names: dict[str, str] = {}
    for old, new in zip(ours, theirs, strict=True):
        if not (_is_word(old) and _is_word(new)):
            if old != new:
                return None
        elif names.setdefault(old, new) != new:
            return None
    renamed = sum(old != new for old, new in names.items())
    if 2 * renamed > len(names) or len(set(names.values())) < len(names) or not names:
        return None
    return names


def _is_word(token: str) -> bool:
    return token[0].isalnum() or token[0] in "_'\""


def _called(row: str, names: Mapping[str, str]) -> str:
    return "".join(names.get(token, token) for token in TOKEN.findall(row))


def _stands(after: Sequence[str], rows: Sequence[str], first: int, count: int) -> bool:
    """Whether `count` lines are part of what such a change makes of them, and it was made."""
    for offset in range(len(after) - count + 1):
        begin = first - offset
        if begin >= 0 and list(rows[begin : begin + len(after)]) == list(after):
            return True
    return False
