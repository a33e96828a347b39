"""A unified diff taken apart: files, hunks, and which lines stand beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)")
Kind = Literal[" ", "-", "+"]


@dataclass(frozen=True)
class Line:
    """`number` is that of its own side: the old one for `-`, else the new one."""

    kind: Kind
    number: int
    text: str
    old: int = 0
    """Of an unchanged line: its number before."""


@dataclass
class Hunk:
    heading: str
    """What git writes behind the second `@@`: the function around it."""
    lines: list[Line] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple[Line | None, Line | None]]:
        """Old beside new, as a side-by-side view shows them."""
        removed: list[Line] = []
        added: list[Line] = []
        for line in self.lines:
            if line.kind == " ":
                yield from zip_longest(removed, added)
                removed, added = [], []
                yield line, line
            elif line.kind == "-":
                if added:
                    yield from zip_longest(removed, added)
                    removed, added = [], []
                removed.append(line)
            else:
                added.append(line)
        yield from zip_longest(removed, added)


@dataclass
class FilePatch:
    path: str
    """Of the file as it will be, or as it was where it is removed."""
    hunks: list[Hunk] = field(default_factory=list)
    note: str = ""
    """`new file` or `removed`."""

    @property
    def added(self) -> int:
        return self._count("+")

    @property
    def removed(self) -> int:
        return self._count("-")

    def _count(self, kind: Kind) -> int:
        return sum(line.kind == kind for hunk in self.hunks for line in hunk.lines)


def parse(diff: str) -> list[FilePatch]:
    """The files of a diff in order. What is neither header, hunk nor line is passed over."""
    files: list[FilePatch] = []
    before = ""
    old = new = 0
    for row in diff.splitlines():
        if row.startswith("--- "):
            before = _path(row)
        elif row.startswith("+++ "):
            after = _path(row)
            note = "new file" if not before else "removed" if not after else ""
            files.append(FilePatch(after or before, note=note))
        elif (match := _HUNK.match(row)) and files:
            old, new = int(match[1]), int(match[2])
            files[-1].hunks.append(Hunk(match[3]))
        elif files and files[-1].hunks and row[:1] in (" ", "-", "+", ""):
            kind: Kind = "-" if row[:1] == "-" else "+" if row[:1] == "+" else " "
            number = old if kind == "-" else new
            files[-1].hunks[-1].lines.append(Line(kind, number, row[1:], old))
            old += kind != "+"
            new += kind != "-"
    return files


def _path(row: str) -> str:
    """The path of a `---` or `+++` line; empty for /dev/null."""
    name = row[4:].split("\t")[0].strip()
    return "" if name == "/dev/null" else re.sub(r"^[ab]/", "", name)
