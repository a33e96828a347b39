import pytest

from bank.account import Account


def test_deposit_raises_the_balance():
    account = Account("Ada", 100.0)
    account.deposit(50.0)
    assert account.balance == 150.0


def test_withdrawal_beyond_the_balance_is_refused():
    account = Account("Ada", 100.0)
    with pytest.raises(ValueError, match="insufficient funds"):
        account.withdraw(100.01)
    assert account.balance == 100.0


def test_interest_is_credited_to_the_balance():
    account = Account("Ada", 2000.0)
    assert account.add_interest(5) == pytest.approx(100.0)
    assert account.balance == pytest.approx(2100.0)


def test_statement_lists_movements_and_the_balance():
    account = Account("Ada")
    account.deposit(1234.5)
    account.withdraw(34.5)
    assert account.statement() == (
        "deposit    $1,234.50\nwithdrawal -$34.50\nAda: $1,200.00"
    )
