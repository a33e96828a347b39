"""The calendar of an office."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from leaveplan.holidays import SATURDAY, Holiday, closed_days

ONE_DAY = timedelta(days=1)


class WorkCalendar:
    """Knows which days are worked: neither a weekend nor a holiday."""

    def __init__(self, holidays: Iterable[Holiday] = ()) -> None:
        self.holidays = tuple(holidays)
        self._closed: dict[int, dict[date, str]] = {}

    def reason_closed(self, day: date) -> str | None:
        """Why nobody works on a day; None on a working day."""
        if day.year not in self._closed:
            self._closed[day.year] = closed_days(self.holidays, day.year)
        name = self._closed[day.year].get(day)
        if name is None and day.weekday() >= SATURDAY:
            return "weekend"
        return name

    def is_working_day(self, day: date) -> bool:
        return self.reason_closed(day) is None

    def working_days(self, first: date, last: date) -> Iterator[date]:
        """The working days from `first` to `last`, both included."""
        day = first
        while day < last:
            if self.is_working_day(day):
                yield day
            day += ONE_DAY

    def count(self, first: date, last: date) -> int:
        return sum(1 for _ in self.working_days(first, last))

    def shift(self, day: date, working_days: int) -> date:
        """The day so many working days later, or earlier when negative."""
        step = ONE_DAY if working_days >= 0 else -ONE_DAY
        left = abs(working_days)
        while left:
            day += step
            if self.is_working_day(day):
                left -= 1
        return day
