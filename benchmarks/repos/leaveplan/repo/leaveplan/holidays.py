"""Public holidays, fixed or counted within a month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

SATURDAY = 5


@dataclass(frozen=True)
class Holiday:
    """A holiday of every year.

    With `weekday` (Monday is 0), `day` says which one of the month; -1 is the last.
    """

    name: str
    month: int
    day: int
    weekday: int | None = None

    def on(self, year: int) -> date:
        """The date of the holiday in a year."""
        if self.weekday is None:
            return date(year, self.month, self.day)
        if self.day > 0:
            first = date(year, self.month, 1)
            ahead = (self.weekday - first.weekday()) % 7
            return first + timedelta(days=ahead, weeks=self.day - 1)
        following = date(year + self.month // 12, self.month % 12 + 1, 1)
        last = following - timedelta(days=1)
        back = (last.weekday() - self.weekday) % 7
        return last - timedelta(days=back)


def observed(day: date) -> date:
    """When offices close for a holiday: on Friday for a Saturday, on Monday for a Sunday."""
    if day.weekday() == SATURDAY:
        return day - timedelta(days=1)
    return day


def closed_days(holidays: Iterable[Holiday], year: int) -> dict[date, str]:
    """The days of a year on which offices close, with the reason, by date.

    New Year's Day of the following year counts where it is observed in this one.
    """
    found: dict[date, str] = {}
    for holiday in holidays:
        for of_year in (year, year + 1):
            day = observed(holiday.on(of_year))
            if day.year == year:
                found[day] = holiday.name
    return dict(sorted(found.items()))
