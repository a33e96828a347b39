from datetime import date

import pytest

from leaveplan import Absence, LeaveAccount, WorkCalendar, add_months, months_between, observed


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2022, 12, 25), date(2022, 12, 26)),
        (date(2023, 1, 1), date(2023, 1, 2)),
        (date(2021, 12, 25), date(2021, 12, 24)),
        (date(2023, 12, 25), date(2023, 12, 25)),
    ],
)
def test_observed_days(day: date, expected: date) -> None:
    assert observed(day) == expected


def test_monday_after_a_sunday_is_closed(calendar: WorkCalendar) -> None:
    assert calendar.reason_closed(date(2022, 12, 26)) == "Christmas"
    assert not calendar.is_working_day(date(2023, 1, 2))


def test_the_last_day_counts(calendar: WorkCalendar) -> None:
    assert calendar.count(date(2024, 3, 4), date(2024, 3, 8)) == 5
    assert list(calendar.working_days(date(2024, 3, 8), date(2024, 3, 11))) == [
        date(2024, 3, 8),
        date(2024, 3, 11),
    ]


def test_nothing_between_swapped_days(calendar: WorkCalendar) -> None:
    assert calendar.count(date(2024, 3, 8), date(2024, 3, 7)) == 0


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2023, 5, 31), 1, date(2023, 6, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 10, 31), 2, date(2024, 12, 31)),
    ],
)
def test_short_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_months_from_the_end_of_a_month() -> None:
    assert months_between(date(2024, 1, 31), date(2024, 2, 29)) == 1
    assert months_between(date(2024, 1, 31), date(2024, 4, 29)) == 2


def test_one_day_of_leave(account: LeaveAccount) -> None:
    assert account.book(Absence(date(2023, 6, 7), date(2023, 6, 7))) == 1
