"""Fees for books that come back late. Amounts are in cents."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class FeeRule:
    """So much a day after some days of grace, at most `most` a book."""

    per_day: int = 25
    grace: int = 2
    most: int = 1000

    def fee(self, due: date, returned: date) -> int:
        """What is to be paid; the days of grace are free only when all is within them."""
        late = (returned - due).days
        if late <= self.grace:
            return 0
        return late * self.per_day


class Ledger:
    """What members owe."""

    def __init__(self) -> None:
        self._owed: dict[str, int] = defaultdict(int)

    def charge(self, member: str, cents: int) -> None:
        self._owed[member] += cents

    def owed(self, member: str) -> int:
        return self._owed.get(member, 0)

    def pay(self, member: str, cents: int) -> int:
        """Take a payment and return the change."""
        used = min(cents, self.owed(member))
        self._owed[member] -= used
        return cents - used
