import pytest

from bank.utils import calculate_interest, format_currency


def test_currency_has_symbol_thousands_and_cents():
    assert format_currency(1234567.891) == "$1,234,567.89"
    assert format_currency(-5, symbol="€") == "-€5.00"


def test_interest_of_one_year():
    assert calculate_interest(1000.0, 5) == pytest.approx(50.0)


def test_interest_grows_with_the_years():
    assert calculate_interest(1500.0, 2.5, years=4) == pytest.approx(150.0)
