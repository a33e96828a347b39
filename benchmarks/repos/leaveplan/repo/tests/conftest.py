from datetime import date

import pytest

from leaveplan import Holiday, LeaveAccount, WorkCalendar

MONDAY = 0
THURSDAY = 3


@pytest.fixture(scope="session")
def calendar() -> WorkCalendar:
    return WorkCalendar(
        [
            Holiday("New Year", 1, 1),
            Holiday("Memorial Day", 5, -1, weekday=MONDAY),
            Holiday("Independence Day", 7, 4),
            Holiday("Thanksgiving", 11, 4, weekday=THURSDAY),
            Holiday("Christmas", 12, 25),
        ]
    )


@pytest.fixture
def account(calendar: WorkCalendar) -> LeaveAccount:
    return LeaveAccount(calendar, hired=date(2023, 1, 9))
