from datetime import date
from decimal import Decimal

import pytest
from invoicing import Invoice, Line, Money, PaymentTerms


def test_line_discount() -> None:
    line = Line("Chairs", Money.of("49.90"), Decimal(3), discount=Decimal(10))
    assert line.gross == Money.of("149.70")
    assert line.net == Money.of("134.73")


class TestTotals:
    def test_empty(self, invoice: Invoice) -> None:
        assert invoice.net == invoice.total == Money.of(0)

    def test_net(self, stationery: Invoice) -> None:
        assert stationery.net == Money.of("113.40")

    def test_tax_by_rate(self, stationery: Invoice) -> None:
        assert stationery.taxes() == {Decimal(10): Money.of("3.99"), Decimal(20): Money.of("14.70")}

    def test_total(self, stationery: Invoice) -> None:
        assert stationery.total == Money.of("132.09")


class TestPayment:
    @pytest.fixture
    def invoice(self, invoice: Invoice) -> Invoice:
        return invoice.add(Line("Consulting", Money.of(1000), tax=Decimal(0)))

    def test_due(self, invoice: Invoice) -> None:
        assert invoice.due() == date(2024, 3, 31)

    @pytest.mark.parametrize(
        ("day", "expected"),
        [
            (date(2024, 3, 5), "980"),
            (date(2024, 3, 11), "980"),
            (date(2024, 3, 12), "1000"),
            (date(2024, 3, 31), "1000"),
            (date(2024, 4, 1), "1050"),
        ],
    )
    def test_payable(self, invoice: Invoice, day: date, expected: str) -> None:
        assert invoice.payable(day) == Money.of(expected)


def test_terms_notation() -> None:
    assert PaymentTerms.parse("net 14") == PaymentTerms(14)
    assert PaymentTerms.parse("2.5/7 Net 30") == PaymentTerms(30, 7, Decimal("2.5"))
    with pytest.raises(ValueError, match="soon"):
        PaymentTerms.parse("soon")
