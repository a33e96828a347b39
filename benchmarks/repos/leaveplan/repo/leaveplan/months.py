"""Arithmetic with whole months."""

from __future__ import annotations

from datetime import date


def add_months(day: date, months: int) -> date:
    """The same day so many months later; a day that the month lacks becomes its last."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, day.day)


def months_between(start: date, end: date) -> int:
    """Whole months from `start` to `end`, negative when `end` comes first."""
    if end < start:
        return -months_between(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, months) > end:
        months -= 1
    return months
