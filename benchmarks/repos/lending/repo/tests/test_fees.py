from datetime import date

import pytest

from lending import FeeRule, Ledger


@pytest.mark.parametrize(
    ("returned", "cents"),
    [
        (date(2024, 2, 20), 0),
        (date(2024, 3, 1), 0),
        (date(2024, 3, 3), 0),
        (date(2024, 3, 4), 75),
        (date(2024, 3, 11), 250),
        (date(2024, 6, 1), 1000),
    ],
)
def test_fee(returned: date, cents: int) -> None:
    assert FeeRule().fee(date(2024, 3, 1), returned) == cents


class TestLedger:
    @pytest.fixture
    def ledger(self) -> Ledger:
        ledger = Ledger()
        ledger.charge("ada", 200)
        ledger.charge("ada", 50)
        return ledger

    def test_owed(self, ledger: Ledger) -> None:
        assert ledger.owed("ada") == 250
        assert ledger.owed("bob") == 0

    @pytest.mark.parametrize(("paid", "change", "owed"), [(100, 0, 150), (250, 0, 0), (300, 50, 0)])
    def test_pay(self, ledger: Ledger, paid: int, change: int, owed: int) -> None:
        assert ledger.pay("ada", paid) == change
        assert ledger.owed("ada") == owed
