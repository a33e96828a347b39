"""The ways to lay a model's own lines into a source text."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from agent.repair.edit import Edit

INSERTED, SWALLOWED, WRAPPED = -0.5, -1.5, -1.0
"""Nats that the rarer ways of splicing a branch in cost, against replacing the line's rest."""
REBUILT = -1.0
"""Nats for a block of several lines that takes the place of a line, or of the block there."""
ADDING = frozenset({"line before", "block before", "lines before", "lines after", "block around"})
"""Operators that leave all old text in place."""


def splices(source: str, position: int, text: str, end: int | None = None) -> Iterator[Edit]:
    """The ways to lay a branch's text into the source; `weight` is e to the nats it costs.

    `end` is where the branch found back to the source, which then is the only way; None when it
    ended with its line or block. A line takes the place of the rest of the line, or of the next
    one as well. At a line start it may also be put in front, and open a block around the old one.
    A block may be put in front, or take the place of the line or of the block that the line opens.
    """
    place = _Place(source, position)
    text = text.replace("\n", place.newline) if end is not None else text.rstrip()
    if end is not None and end != place.end:
        adding = not source[position:end].strip()
        operator = "lines before" if adding else "lines replaced"
        weight = exp(INSERTED) if adding else 1.0
        yield Edit(position, end, text, operator, weight, place.line)
    elif "\n" in text:
        yield from place.block(text.rstrip().replace("\n", place.newline))
    else:
        yield from place.single(text.rstrip())


def after(source: str, position: int, text: str) -> Iterator[Edit]:
    """New lines behind the line that holds `position`, whatever stands there now."""
    end = line_end(source, position)
    newline = "\r\n" if source.startswith("\r\n", end) else "\n"
    added = newline + text.rstrip().replace("\n", newline)
    line = source.count("\n", 0, end) + 1
    if text.strip():
        yield Edit(end, end, added, "lines after", exp(INSERTED), line)


class _Place:
    """Where in which line a branch begins."""

    def __init__(self, source: str, position: int) -> None:
        self._source = source
        self._position = position
        self._start = line_start(source, position)
        self.end = line_end(source, position)
        self.line = source.count("\n", 0, self._start) + 1
        self.newline = "\r\n" if "\r\n" in source[self._start : self.end + 2] else "\n"
        self._lead = source[self._start : position]

    def single(self, text: str) -> Iterator[Edit]:
        """One line."""
        yield self._edit(self._position, self.end, text, "rest of line", 0.0)
        following = self.end + len(self.newline)
        if self.end < len(self._source) and following <= len(self._source):
            tail = line_end(self._source, following)
            yield self._edit(self._position, tail, text, "line and the next", SWALLOWED)
        if self._lead.strip() or not text.strip():
            return
        yield self._before(text, "line before")
        if text.endswith(":"):
            step = "\t" if "\t" in self._lead else "    "
            inside = self._source[self._start : self._block_end()]
            inner = self.newline.join(
                f"{step}{row}" if row.strip() else row for row in inside.split(self.newline)
            )
            wrapped = f"{self._lead}{text}{self.newline}{inner}"
            end = self._start + len(inside)
            yield self._edit(self._start, end, wrapped, "block around", WRAPPED)

    def block(self, text: str) -> Iterator[Edit]:
        """Several lines, the first of which opens a block."""
        if not self._lead.strip():
            yield self._before(text, "block before")
        yield self._edit(self._position, self.end, text, "block for line", REBUILT)
        end = self._block_end()
        if end > self.end:
            yield self._edit(self._position, end, text, "block for block", REBUILT)

    def _before(self, text: str, operator: str) -> Edit:
        added = f"{self._lead}{text}{self.newline}"
        return self._edit(self._start, self._start, added, operator, INSERTED)

    def _edit(self, start: int, end: int, text: str, operator: str, nats: float) -> Edit:
        return Edit(start, end, text, operator, exp(nats), self.line)

    def _block_end(self) -> int:
        """End of the last line that belongs to the block which this line opens, if it does."""
        depth = _indent(self._source[self._start : self.end])
        last = at = self.end
        while at < len(self._source):
            at += len(self.newline)
            end = line_end(self._source, at)
            row = self._source[at:end]
            if row.strip() and _indent(row) <= depth:
                break
            at = end
            last = end if row.strip() else last
        return min(last, len(self._source))


def line_start(source: str, position: int) -> int:
    """Offset of the first character of the line that holds `position`."""
    return max(source.rfind("\n", 0, position), source.rfind("\r", 0, position)) + 1


def line_end(source: str, position: int) -> int:
    """Offset of the line end behind `position`."""
    ends = [at for at in (source.find("\n", position), source.find("\r", position)) if at >= 0]
    return min(ends, default=len(source))


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())
