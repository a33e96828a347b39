from bank.transaction import Transaction


def test_a_deposit_is_a_credit():
    assert Transaction("deposit", 10.0).is_credit()
    assert not Transaction("withdrawal", -10.0).is_credit()


def test_a_transaction_prints_kind_and_amount():
    assert str(Transaction("withdrawal", -1234.5)) == "withdrawal -$1,234.50"
