import pytest
from ledger import Ledger


@pytest.fixture
def ledger():
    made = Ledger()
    made.deposit("a", 100)
    made.deposit("b", 50)
    return made


def test_deposit_adds(ledger):
    ledger.deposit("a", 5)
    assert ledger.amounts == {"a": 105, "b": 50}


def test_deposit_of_nothing(ledger):
    with pytest.raises(ValueError, match="nothing"):
        ledger.deposit("a", 0)


def test_transfer_moves(ledger):
    assert ledger.transfer("a", "b", 30)
    assert ledger.amounts == {"a": 70, "b": 80}


def test_transfer_keeps_the_total(ledger):
    ledger.transfer("b", "a", 20)
    assert ledger.total() == 150


def test_transfer_of_too_much(ledger):
    assert not ledger.transfer("b", "a", 60)
    assert ledger.amounts == {"a": 100, "b": 50}
