from datetime import date
from decimal import Decimal

import pytest
from invoicing import Invoice, Line, Money, PaymentTerms


@pytest.fixture
def invoice() -> Invoice:
    return Invoice("2024-017", date(2024, 3, 1), PaymentTerms.parse("2/10 net 30"))


@pytest.fixture
def stationery(invoice: Invoice) -> Invoice:
    invoice.add(Line("Paper", Money.of("4.50"), Decimal(10)))
    invoice.add(Line("Atlas", Money.of("39.90"), tax=Decimal(10)))
    invoice.add(Line("Pens", Money.of("1.20"), Decimal(25), discount=Decimal(5)))
    return invoice
