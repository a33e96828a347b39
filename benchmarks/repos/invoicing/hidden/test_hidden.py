from datetime import date
from decimal import Decimal

import pytest
from invoicing import Invoice, Line, Money, PaymentTerms


@pytest.mark.parametrize(
    ("value", "expected"),
    [("10.005", "10.01"), ("0.045", "0.05"), ("-2.005", "-2.01"), ("7.015", "7.02")],
)
def test_half_a_cent_goes_away_from_zero(value: str, expected: str) -> None:
    assert Money.of(value).amount == Decimal(expected)


def test_share_of_half_a_cent() -> None:
    assert Money.of("0.50").share(Decimal(5)) == Money.of("0.03")
    assert Money.of("0.30").share(Decimal(15)) == Money.of("0.05")


def test_product_is_rounded_the_same_way() -> None:
    assert Money.of("0.35") * Decimal("0.5") == Money.of("0.18")
    assert Money.of("0.25") * Decimal("0.5") == Money.of("0.13")


def test_taxes_of_many_lines_of_one_rate() -> None:
    invoice = Invoice("1", date(2024, 1, 1), currency="CHF")
    for price in ("10", "20", "30", "40"):
        invoice.add(Line("x", Money.of(price, "CHF"), tax=Decimal(8)))
    assert invoice.taxes() == {Decimal(8): Money.of(8, "CHF")}
    assert invoice.total == Money.of(108, "CHF")


def test_taxes_are_rounded_on_the_sum() -> None:
    invoice = Invoice("1", date(2024, 1, 1))
    for _ in range(3):
        invoice.add(Line("x", Money.of("0.12")))
    assert invoice.taxes() == {Decimal(20): Money.of("0.07")}


@pytest.mark.parametrize(("day", "early"), [(8, True), (9, False), (1, True)])
def test_last_day_of_the_discount(day: int, early: bool) -> None:
    terms = PaymentTerms.parse("3/7 net 14")
    assert terms.is_early(date(2024, 5, 1), date(2024, 5, day)) is early


def test_no_discount_without_days() -> None:
    assert not PaymentTerms(30).is_early(date(2024, 5, 1), date(2024, 5, 1))
