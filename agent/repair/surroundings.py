"""Class bodies and module levels: constants, defaults and decorators that suspects read.

Coverage of single tests does not show them, for they ran when the file was imported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from agent.repair.places import LINE_END, Place, Places

WORD = re.compile(r"[^\W\d]\w*")
BINDING = re.compile(r"\s*([^\W\d]\w*)\s*(?::[^=]+)?=(?!=)")
SAME_FILE, IMPORTED = 0.4, 0.3
"""How suspicious such a line is, against the most suspicious function that reads it."""
CLOSE = 0.5
"""Functions that are at least so suspicious, against the top one, are asked what they read."""


def suspect_surroundings(places: Places, imported: Iterable[str]) -> None:
    """Raise the scores of what suspects read, in their own files and in those named `imported`."""
    suspects = [place for place in places if place.is_function and place.score > 0]
    top = max((place.score for place in suspects), default=0.0)
    close = [place for place in suspects if place.score >= CLOSE * top]
    for path, own in places.by_file():
        here = [place for place in own if place.is_function and place.score > 0]
        if here:
            best = max(place.score for place in here)
            used = _words(places, [place for place in here if place.score >= CLOSE * best])
            _suspect_bindings(places, path, used, SAME_FILE * best)
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
        rows = LINE_END.split(places.source(place.path) or "")
        for row in rows[place.span.first_line - 1 : place.span.last_line]:
            found.update(WORD.findall(row))
    return found


def _suspect_bindings(places: Places, path: str, used: Collection[str], score: float) -> None:
    rows = LINE_END.split(places.source(path) or "")
    for number, row in enumerate(rows, 1):
        match = BINDING.match(row)
        if match is None or match.group(1) not in used:
            continue
        place = places.holding(path, number)
        if place is not None and not place.is_function:
            place.lines.setdefault(number, 1.0)
            place.score = max(place.score, score)
            place.reasons.append(f"line {number} sets `{match.group(1)}`, which suspects use")
