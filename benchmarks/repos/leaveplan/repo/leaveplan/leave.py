"""What leave an employee has earned and taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from leaveplan.calendar import WorkCalendar
from leaveplan.months import months_between


class NotEnoughLeave(Exception):
    """An absence would take more days than are left."""


@dataclass(frozen=True)
class Absence:
    """Days away, first and last included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("an absence cannot end before it starts")

    def overlaps(self, other: Absence) -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass
class LeaveAccount:
    """Leave of one employee: two days for each month worked, unless agreed otherwise."""

    calendar: WorkCalendar
    hired: date
    days_per_month: float = 2.0
    absences: list[Absence] = field(default_factory=list)

    def earned(self, on: date) -> float:
        return max(0, months_between(self.hired, on)) * self.days_per_month

    def taken(self) -> int:
        return sum(self.calendar.count(one.first, one.last) for one in self.absences)

    def balance(self, on: date) -> float:
        return self.earned(on) - self.taken()

    def book(self, absence: Absence) -> int:
        """Record an absence and return how many days of leave it takes."""
        if any(absence.overlaps(one) for one in self.absences):
            raise ValueError("already away then")
        days = self.calendar.count(absence.first, absence.last)
        left = self.balance(absence.first)
        if days > left:
            raise NotEnoughLeave(f"{days} days wanted, {left:g} left")
        self.absences.append(absence)
        return days
