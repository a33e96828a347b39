from datetime import date, timedelta

import pytest

from lending import LendingError, Library, Member


def days(count: int) -> timedelta:
    return timedelta(days=count)


def test_new_members_have_nothing() -> None:
    ada = Member("ada")
    ada.notices.append("Welcome")
    bob = Member("bob")
    assert (bob.loans, bob.notices) == ([], [])


class TestLending:
    def test_due(self, library: Library, day: date) -> None:
        copy = library.lend("222", "ada", day)
        assert (copy.holder, copy.due) == ("ada", date(2024, 2, 15))

    def test_limit(self, library: Library, day: date) -> None:
        library.lend("111", "ada", day)
        library.lend("222", "ada", day)
        with pytest.raises(LendingError, match="ada has 2 books already"):
            library.lend("222", "ada", day)

    @pytest.mark.parametrize(
        ("isbn", "name", "message"),
        [("999", "ada", "no book 999"), ("111", "eve", "eve is not a member")],
    )
    def test_unknown(self, library: Library, day: date, isbn: str, name: str, message: str) -> None:
        with pytest.raises(LendingError, match=message):
            library.lend(isbn, name, day)

    def test_fees_block(self, library: Library, day: date) -> None:
        library.ledger.charge("ada", 501)
        with pytest.raises(LendingError, match="fees to pay"):
            library.lend("111", "ada", day)

    def test_nothing_left(self, library: Library, day: date) -> None:
        library.lend("111", "ada", day)
        with pytest.raises(LendingError, match="no copy of Dune"):
            library.lend("111", "bob", day)


class TestReturning:
    def test_late(self, library: Library, day: date) -> None:
        copy = library.lend("222", "ada", day)
        assert library.take_back(copy, day + days(24)) == 250
        assert library.ledger.owed("ada") == 250
        assert copy.on_shelf

    def test_not_lent(self, library: Library, day: date) -> None:
        copy = library.lend("111", "ada", day)
        library.take_back(copy, day)
        with pytest.raises(LendingError, match="not lent"):
            library.take_back(copy, day)

    def test_kept_for_who_waits(self, library: Library, day: date) -> None:
        copy = library.lend("111", "ada", day)
        assert library.reserve("111", "bob") == 1
        library.take_back(copy, day + days(3))
        with pytest.raises(LendingError, match="no copy of Dune"):
            library.lend("111", "cy", day + days(3))
        assert library.lend("111", "bob", day + days(4)) is copy

    def test_next_in_the_queue(self, library: Library, day: date) -> None:
        copy = library.lend("111", "ada", day)
        library.reserve("111", "bob")
        assert library.reserve("111", "cy") == 2
        library.take_back(copy, day)
        library.take_back(library.lend("111", "bob", day), day)
        assert library.lend("111", "cy", day).holder == "cy"


class TestRenewing:
    def test_longer(self, library: Library, day: date) -> None:
        copy = library.lend("222", "ada", day)
        assert library.renew(copy, day + days(10)) == date(2024, 2, 25)

    def test_twice_at_most(self, library: Library, day: date) -> None:
        copy = library.lend("222", "ada", day)
        for _ in range(2):
            library.renew(copy, day)
        with pytest.raises(LendingError, match="too often"):
            library.renew(copy, day)

    def test_not_while_somebody_waits(self, library: Library, day: date) -> None:
        copy = library.lend("111", "ada", day)
        library.reserve("111", "bob")
        with pytest.raises(LendingError, match="waits"):
            library.renew(copy, day)

    def test_counts_anew_for_the_next_member(self, library: Library, day: date) -> None:
        copy = library.lend("111", "ada", day)
        library.renew(copy, day)
        library.renew(copy, day)
        library.take_back(copy, day)
        again = library.lend("111", "bob", day)
        assert library.renew(again, day) == day + days(28)


def test_reserving_needs_an_empty_shelf(library: Library, day: date) -> None:
    with pytest.raises(LendingError, match="on the shelf"):
        library.reserve("222", "ada")


def test_overdue(library: Library, day: date) -> None:
    library.lend("111", "ada", day)
    library.lend("222", "bob", day)
    library.lend("222", "cy", day + days(1))
    assert library.overdue(day + days(20)) == [("bob", "Emma", 6), ("cy", "Emma", 5)]


def test_remind(library: Library, day: date) -> None:
    dee = library.enrol(Member("dee", notices=["Welcome"]))
    library.lend("222", "dee", day)
    assert library.remind(day + days(14)) == 0
    assert library.remind(day + days(15)) == 1
    assert dee.notices == ["Welcome", "Emma was due 1 days ago"]
