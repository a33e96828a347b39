from decimal import Decimal

import pytest
from invoicing import CurrencyMismatch, Money


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.004", "1.00"),
        ("1.006", "1.01"),
        ("2.675", "2.68"),
        ("0.125", "0.13"),
        ("-0.125", "-0.13"),
    ],
)
def test_rounds_to_the_cent(value: str, expected: str) -> None:
    assert Money.of(value).amount == Decimal(expected)


def test_share_is_rounded() -> None:
    assert Money.of("19.99").share(Decimal("7.5")) == Money.of("1.50")


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        ("10.00", [1, 1], ["5.00", "5.00"]),
        ("10.00", [1, 1, 1], ["3.34", "3.33", "3.33"]),
        ("0.05", [3, 7], ["0.02", "0.03"]),
    ],
)
def test_split_loses_no_cent(whole: str, weights: list[int], parts: list[str]) -> None:
    assert Money.of(whole).split(weights) == [Money.of(part) for part in parts]


def test_split_needs_weights() -> None:
    with pytest.raises(ValueError, match="weights"):
        Money.of(1).split([])


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch, match="EUR and CHF"):
        Money.of(1) + Money.of(1, "CHF")


def test_text() -> None:
    assert str(Money.of("1234.5")) == "1,234.50 EUR"
