"""Working days, holidays and leave."""

from leaveplan.calendar import WorkCalendar
from leaveplan.holidays import Holiday, observed
from leaveplan.leave import Absence, LeaveAccount, NotEnoughLeave
from leaveplan.months import add_months, months_between

__all__ = [
    "Absence",
    "Holiday",
    "LeaveAccount",
    "NotEnoughLeave",
    "WorkCalendar",
    "add_months",
    "months_between",
    "observed",
]
