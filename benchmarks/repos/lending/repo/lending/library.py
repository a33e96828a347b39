"""The desk of the library."""

from __future__ import annotations

from datetime import date, timedelta

from lending.books import Book, Copy, Title
from lending.errors import LendingError
from lending.fees import FeeRule, Ledger
from lending.members import Member

MOST_RENEWALS = 2
MOST_OWED = 500


class Library:
    """Lends copies, takes them back and keeps them for those who wait."""

    def __init__(self, fee_rule: FeeRule | None = None) -> None:
        self.fee_rule = fee_rule or FeeRule()
        self.ledger = Ledger()
        self._titles: dict[str, Title] = {}
        self._members: dict[str, Member] = {}

    def acquire(self, book: Book, copies: int = 1) -> None:
        title = self._titles.setdefault(book.isbn, Title(book))
        for _ in range(copies):
            title.copies.append(Copy(book, len(title.copies) + 1))

    def enrol(self, member: Member) -> Member:
        if member.name in self._members:
            raise LendingError(f"{member.name} is a member already")
        self._members[member.name] = member
        return member

    def lend(self, isbn: str, name: str, day: date) -> Copy:
        """Hand out a copy; raises LendingError with the reason when that is not possible."""
        title, member = self._title(isbn), self._member(name)
        if not member.may_borrow:
            raise LendingError(f"{name} has {member.limit} books already")
        if self.ledger.owed(name) > MOST_OWED:
            raise LendingError(f"{name} has fees to pay")
        copy = title.copy_for(name)
        if copy is None:
            raise LendingError(f"no copy of {title.book.title} is there")
        copy.holder, copy.kept_for = name, None
        copy.due = day + timedelta(weeks=title.book.weeks)
        copy.renewals = 0
        member.loans.append(copy)
        return copy

    def take_back(self, copy: Copy, day: date) -> int:
        """Take a copy and return the fee; it is kept for the first who waits, if any."""
        if copy.holder is None or copy.due is None:
            raise LendingError("this copy is not lent")
        fee = self.fee_rule.fee(copy.due, day)
        self.ledger.charge(copy.holder, fee)
        self._member(copy.holder).loans.remove(copy)
        copy.holder = copy.due = None
        waiting = self._title(copy.book.isbn).waiting
        copy.kept_for = waiting.popleft() if waiting else None
        return fee

    def renew(self, copy: Copy, day: date) -> date:
        """Lend a copy for longer, from a day on, and return when it is due then."""
        if copy.due is None:
            raise LendingError("this copy is not lent")
        if self._title(copy.book.isbn).waiting:
            raise LendingError("somebody waits for it")
        if copy.renewals >= MOST_RENEWALS:
            raise LendingError("it was renewed too often")
        copy.renewals += 1
        copy.due = max(copy.due, day + timedelta(weeks=copy.book.weeks))
        return copy.due

    def reserve(self, isbn: str, name: str) -> int:
        """Wait for a book; returns the place in the queue, counted from 1."""
        title = self._title(isbn)
        member = self._member(name)
        if any(copy.on_shelf for copy in title.copies):
            raise LendingError("a copy is on the shelf")
        if member.name in title.waiting:
            raise LendingError(f"{name} waits already")
        title.waiting.append(member.name)
        return len(title.waiting)

    def overdue(self, day: date) -> list[tuple[str, str, int]]:
        """Member, title and days late of what should be back, the latest first."""
        late = [
            (copy.holder, title.book.title, (day - copy.due).days)
            for title in self._titles.values()
            for copy in title.copies
            if copy.holder is not None and copy.due is not None and copy.due < day
        ]
        return sorted(late, key=lambda one: (-one[2], one[0], one[1]))

    def remind(self, day: date) -> int:
        """Send a notice for each book that should be back; returns how many."""
        late = self.overdue(day)
        for name, title, days in late:
            self._member(name).notices.append(f"{title} was due {days} days ago")
        return len(late)

    def _title(self, isbn: str) -> Title:
        try:
            return self._titles[isbn]
        except KeyError:
            raise LendingError(f"no book {isbn}") from None

    def _member(self, name: str) -> Member:
        try:
            return self._members[name]
        except KeyError:
            raise LendingError(f"{name} is not a member") from None
