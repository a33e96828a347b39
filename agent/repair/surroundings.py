"""Class bodies and module levels: constants, defaults and decorators that suspects read.

Coverage of single tests does not show them, for they ran when the file was imported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from agent.repair.places import Place, Places
from agent.repair.words import WORD

BINDING = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*(?::[^=]+)?=(?!=)")
ENTRY = re.compile(r"\s*([\"'])(?P<name>.+?)\1\s*:")
SAME_FILE, IMPORTED = 0.4, 0.3
"""How suspicious such a line is, against the most suspicious function that reads it."""
QUOTED_ENTRY = 0.6
"""The same of an entry of a table whose key all failing tests quote."""
MOST_ENTRIES = 3
"""A key that more entries of a file have tells nothing."""
CLOSE = 0.5
"""Functions that are at least so suspicious, against the top one, are asked what they read."""


def suspect_surroundings(
    places: Places, imported: Iterable[str], quoted: Mapping[str, float]
) -> None:
    """Raise the scores of what suspects read, in their own files and in those named `imported`.

    `quoted`: texts in the failing tests, with the share of those that quote them.
    """
    suspects = [place for place in places if place.is_function and place.score > 0]
    top = max((place.score for place in suspects), default=0.0)
    close = [place for place in suspects if place.score >= CLOSE * top]
    for path, own in places.by_file():
        here = [place for place in own if place.is_function and place.score > 0]
        if here:
            best = max(place.score for place in here)
            used = _words(places, [place for place in here if place.score >= CLOSE * best])
            _suspect_bindings(places, path, used, SAME_FILE * best)
            _suspect_entries(places, path, quoted, QUOTED_ENTRY * best)
    files = {place.path for place in close}
    named = set().union(*(WORD.findall(places.source(path) or "") for path in files))
    used = _words(places, close)
    for path in sorted(set(imported) - {place.path for place in suspects}):
        if _stem(path) in named and places.may_hold_fault(path):
            _suspect_bindings(places, path, used, IMPORTED * top)


def _stem(path: str) -> str:
    """What an import calls the file."""
    file = PurePosixPath(path)
    return file.parent.name if file.stem.startswith("__") else file.stem


def _words(places: Places, suspects: Iterable[Place]) -> set[str]:
    found: set[str] = set()
    for place in suspects:
        for row in places.rows(place.path)[place.span.first_line - 1 : place.span.last_line]:
            found.update(WORD.findall(row))
    return found


def _suspect_bindings(places: Places, path: str, used: Collection[str], score: float) -> None:
    for number, name, place in _named(places, path, BINDING, used):
        place.lines.setdefault(number, 1.0)
        place.score = max(place.score, score)
        place.reasons.append(f"line {number} sets `{name}`, which suspects use")


def _suspect_entries(places: Places, path: str, quoted: Mapping[str, float], score: float) -> None:
    rows = places.rows(path)
    entries: defaultdict[str, list[tuple[int, Place]]] = defaultdict(list)
    for number, key, place in _named(places, path, ENTRY, quoted):
        entries[key].append((number, place))
    for key, found in entries.items():
        for number, place in found if len(found) <= MOST_ENTRIES else ():
            place.lines.update(dict.fromkeys(_entry(rows, number), 1.0))
            place.score = max(place.score, score * quoted[key])
            place.reasons.append(f"line {number} is the entry `{key}`, which failing tests quote")


def _named(
    places: Places, path: str, pattern: re.Pattern[str], wanted: Container[str]
) -> Iterator[tuple[int, str, Place]]:
    """Lines outside functions that begin with a `name` of a pattern which is wanted."""
    for number, row in enumerate(places.rows(path), 1):
        match = pattern.match(row)
        if match is None or match["name"] not in wanted:
            continue
        place = places.holding(path, number)
        if place is not None and not place.is_function:
            yield number, match["name"], place


def _entry(rows: Sequence[str], number: int) -> range:
    """The lines of an entry: its first, and what is indented deeper below."""
    depth, end = _depth(rows[number - 1]), number
    while end < len(rows) and rows[end].strip() and _depth(rows[end]) > depth:
        end += 1
    return range(number, end + 1)


def _depth(row: str) -> int:
    return len(row) - len(row.lstrip())
