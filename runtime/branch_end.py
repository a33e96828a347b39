"""Where the text of a branch ends: with its line, with the block that it opens, or where it is
back in the forced text.

Knows of no language: the request says what opens a block, and depth is told by indentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from runtime.engine_api import BranchQuery


@dataclass(frozen=True)
class Cut:
    """``length`` characters of a branch stand for the forced text from its offset to ``end``."""

    length: int
    end: int


class Ending:
    """Judges one branch while it grows; its lines are what the stop string sets apart."""

    def __init__(self, forced: str, offset: int, query: BranchQuery) -> None:
        self._query = query
        self._stop = query.stop
        begin = forced.rfind(self._stop, 0, offset)
        self._lead = forced[begin + len(self._stop) if begin >= 0 else 0 : offset]
        end = forced.find(self._stop, offset)
        self.line_end = len(forced) if end < 0 else end
        """Where the forced line ends that the branch begins in."""
        self._old_opens = self._closers(forced[offset : self.line_end]) is not None
        self._targets = dict(self._following(forced, offset)) if self.at_line_start else {}
        self.cuts: tuple[Cut, ...] = ()
        """The first line, and what else the branch turned out to be; empty while it is open."""

    @property
    def at_line_start(self) -> bool:
        """Whether nothing but blanks stands before the branch in its line."""
        return not self._lead.strip()

    def done(self, text: str, *, answered: bool = False) -> bool:
        """Whether the branch needs no more tokens; ``answered``: the model has ended."""
        rows = (self._lead + text).split(self._stop)
        whole, partial = (rows, "") if answered else (rows[:-1], rows[-1])
        if not whole:
            return False
        first = Cut(len(whole[0]) - len(self._lead), self.line_end)
        self.cuts = (first,)
        closers = self._closers(whole[0])
        if self._old_opens and not self.at_line_start:
            closers = None  # the old block stays
        if answered and len(whole) == 1:
            return True
        if closers is None and not (self._targets and whole[0].strip()):
            return True
        return self._over(whole, partial, closers, answered)

    def _over(
        self, whole: list[str], partial: str, closers: tuple[str, ...] | None, answered: bool
    ) -> bool:
        """Look behind the first line, for the end of its block and for the way back."""
        first = self.cuts[0]
        inside = closers is not None
        block: Cut | None = None
        start = len(whole[0]) + len(self._stop)
        kept = len(whole[0])
        for row in whole[1:]:
            deeper = inside and _indent(row) > _indent(whole[0])
            target = None if deeper else self._targets.get(row.strip())
            if target is not None:
                if inside:
                    block = Cut(kept - len(self._lead), self.line_end)
                back = start + _indent(row) - len(self._lead)
                self.cuts = (first, *([block] if block else []), Cut(back, target))
                return True
            if inside and row.strip() and not self._belongs(row, whole[0], closers or ()):
                block, inside = Cut(kept - len(self._lead), self.line_end), False
            start += len(row) + len(self._stop)
            if row.strip():
                kept = start - len(self._stop)
        closed = bool(partial.strip()) and not self._belongs(
            partial, whole[0], closers or (), part=True
        )
        if inside and (closed or answered):
            block, inside = Cut(kept - len(self._lead), self.line_end), False
        self.cuts = (first, block) if block else (first,)
        full = len(whole) >= self._query.lines
        return full or not (inside or self._targets)

    def _belongs(
        self, row: str, opening: str, closers: tuple[str, ...], *, part: bool = False
    ) -> bool:
        """Whether a line is inside the block, or is the one that closes it."""
        text = row.strip()
        return _indent(row) > _indent(opening) or any(
            text.startswith(mark) or (part and mark.startswith(text)) for mark in closers
        )

    def _closers(self, line: str) -> tuple[str, ...] | None:
        """What may begin the line that closes the block which this one opens; None: opens none."""
        text = line.rstrip()
        for opener, closers in self._query.blocks.items():
            if text.endswith(opener):
                return tuple(closers)
        return None

    def _following(self, forced: str, offset: int) -> Iterator[tuple[str, int]]:
        """The forced lines from the branch's own on, with where their text begins."""
        at = offset - len(self._lead)
        rows = forced[at:].split(self._stop)
        found: set[str] = set()
        for row in rows:
            if len(found) >= self._query.rejoin:
                return
            if row.strip() and row.strip() not in found:
                found.add(row.strip())
                yield row.strip(), at + _indent(row)
            at += len(row) + len(self._stop)


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())
