from datetime import date

import pytest

from leaveplan import Absence, LeaveAccount, NotEnoughLeave, add_months, months_between


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 1, 15), 1, date(2024, 2, 15)),
        (date(2024, 11, 30), 2, date(2025, 1, 30)),
        (date(2024, 3, 10), -3, date(2023, 12, 10)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
    ],
)
def test_add_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2024, 1, 9), date(2024, 2, 8), 0),
        (date(2024, 1, 9), date(2024, 2, 9), 1),
        (date(2024, 1, 9), date(2022, 12, 9), -13),
    ],
)
def test_months_between(start: date, end: date, months: int) -> None:
    assert months_between(start, end) == months


def test_leave_is_earned_by_the_month(account: LeaveAccount) -> None:
    assert account.earned(date(2023, 1, 31)) == 0
    assert account.earned(date(2023, 7, 9)) == 12


def test_an_absence_runs_forwards() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Absence(date(2023, 8, 2), date(2023, 8, 1))


class TestBooking:
    def test_takes_working_days_only(self, account: LeaveAccount) -> None:
        assert account.book(Absence(date(2023, 9, 1), date(2023, 9, 10))) == 6
        assert account.balance(date(2023, 9, 10)) == 10

    def test_refuses_overlaps(self, account: LeaveAccount) -> None:
        account.book(Absence(date(2023, 9, 4), date(2023, 9, 6)))
        with pytest.raises(ValueError, match="already away"):
            account.book(Absence(date(2023, 9, 6), date(2023, 9, 8)))

    def test_refuses_more_than_is_left(self, account: LeaveAccount) -> None:
        with pytest.raises(NotEnoughLeave, match="10 days wanted, 4 left"):
            account.book(Absence(date(2023, 3, 13), date(2023, 3, 26)))
        assert account.absences == []
