"""Books and their copies."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Book:
    """A title; `weeks` is how long it may be kept."""

    isbn: str
    title: str
    weeks: int = 4


@dataclass
class Copy:
    """One copy on the shelf, with a member (`holder`), or kept for one (`kept_for`)."""

    book: Book
    number: int
    holder: str | None = None
    due: date | None = None
    renewals: int = 0
    kept_for: str | None = None

    @property
    def on_shelf(self) -> bool:
        return self.holder is None and self.kept_for is None


@dataclass
class Title:
    """All copies of a book, and who waits for one, in order."""

    book: Book
    copies: list[Copy] = field(default_factory=list)
    waiting: deque[str] = field(default_factory=deque)

    def copy_for(self, member: str) -> Copy | None:
        """The copy that is kept for a member, else one from the shelf."""
        for copy in self.copies:
            if copy.kept_for == member:
                return copy
        return next((copy for copy in self.copies if copy.on_shelf), None)
