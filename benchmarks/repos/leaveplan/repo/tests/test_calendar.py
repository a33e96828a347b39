from datetime import date

import pytest

from leaveplan import Holiday, WorkCalendar, observed


@pytest.mark.parametrize(
    ("holiday", "year", "expected"),
    [
        (Holiday("Thanksgiving", 11, 4, 3), 2023, date(2023, 11, 23)),
        (Holiday("Memorial Day", 5, -1, 0), 2024, date(2024, 5, 27)),
        (Holiday("Last Sunday", 12, -1, 6), 2023, date(2023, 12, 31)),
        (Holiday("Christmas", 12, 25), 2022, date(2022, 12, 25)),
    ],
)
def test_date_of_a_holiday(holiday: Holiday, year: int, expected: date) -> None:
    assert holiday.on(year) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 7, 4), date(2024, 7, 4)),
        (date(2020, 7, 4), date(2020, 7, 3)),
        (date(2021, 7, 4), date(2021, 7, 5)),
    ],
)
def test_observed(day: date, expected: date) -> None:
    assert observed(day) == expected


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2024, 3, 6), None),
        (date(2024, 3, 9), "weekend"),
        (date(2024, 12, 25), "Christmas"),
        (date(2021, 12, 31), "New Year"),
    ],
)
def test_reason_closed(calendar: WorkCalendar, day: date, reason: str | None) -> None:
    assert calendar.reason_closed(day) == reason


def test_count_skips_weekends_and_holidays(calendar: WorkCalendar) -> None:
    assert calendar.count(date(2024, 12, 23), date(2024, 12, 29)) == 4


def test_count_of_one_day(calendar: WorkCalendar) -> None:
    assert calendar.count(date(2024, 3, 6), date(2024, 3, 6)) == 1


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, date(2024, 7, 3)), (1, date(2024, 7, 5)), (2, date(2024, 7, 8)), (-3, date(2024, 6, 28))],
)
def test_shift(calendar: WorkCalendar, days: int, expected: date) -> None:
    assert calendar.shift(date(2024, 7, 3), days) == expected
