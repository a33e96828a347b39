from datetime import date, timedelta

import pytest

from lending import Book, FeeRule, LendingError, Library, Member


def test_members_share_no_notices(day: date) -> None:
    library = Library()
    library.acquire(Book("1", "One", weeks=1), 3)
    members = [library.enrol(Member(name)) for name in ("ada", "bob", "cy")]
    library.lend("1", "ada", day)
    library.lend("1", "bob", day + timedelta(days=2))
    assert library.remind(day + timedelta(days=10)) == 2
    assert [member.notices for member in members] == [
        ["One was due 3 days ago"],
        ["One was due 1 days ago"],
        [],
    ]
    assert Member("dee").notices == []


def test_loans_from_elsewhere_are_counted(library: Library, day: date) -> None:
    copy = library.lend("111", "ada", day)
    guest = library.enrol(Member("dee", limit=1, loans=[copy]))
    assert not guest.may_borrow


@pytest.mark.parametrize(
    ("rule", "late", "cents"),
    [
        (FeeRule(), 40, 1000),
        (FeeRule(), 41, 1000),
        (FeeRule(), 39, 975),
        (FeeRule(100, 0, 250), 2, 200),
        (FeeRule(100, 0, 250), 3, 250),
        (FeeRule(100, 0, 250), 0, 0),
    ],
)
def test_a_fee_has_an_upper_limit(rule: FeeRule, late: int, cents: int) -> None:
    due = date(2024, 1, 10)
    assert rule.fee(due, due + timedelta(days=late)) == cents


def test_very_late_books_do_not_cost_more(library: Library, day: date) -> None:
    copy = library.lend("111", "ada", day)
    assert library.take_back(copy, day + timedelta(days=400)) == 1000
    assert library.ledger.owed("ada") == 1000


def test_renewals_start_anew_for_the_same_member(library: Library, day: date) -> None:
    for _ in range(3):
        copy = library.lend("111", "ada", day)
        library.renew(copy, day)
        library.renew(copy, day)
        with pytest.raises(LendingError, match="too often"):
            library.renew(copy, day)
        library.take_back(copy, day)


def test_each_copy_counts_its_own_renewals(day: date) -> None:
    library = Library()
    library.acquire(Book("1", "One"), 2)
    library.enrol(Member("ada"))
    first, second = (library.lend("1", "ada", day) for _ in range(2))
    library.renew(first, day)
    assert (first.renewals, second.renewals) == (1, 0)
