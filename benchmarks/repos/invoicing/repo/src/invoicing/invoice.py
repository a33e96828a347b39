"""An invoice and its lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from invoicing.money import Money
from invoicing.terms import PaymentTerms


@dataclass(frozen=True)
class Line:
    """Something sold: `discount` and `tax` are percentages."""

    description: str
    price: Money
    quantity: Decimal = Decimal(1)
    discount: Decimal = Decimal(0)
    tax: Decimal = Decimal(20)

    @property
    def gross(self) -> Money:
        return self.price * self.quantity

    @property
    def net(self) -> Money:
        return self.gross - self.gross.share(self.discount)


@dataclass
class Invoice:
    """What a customer owes, and until when."""

    number: str
    issued: date
    terms: PaymentTerms = field(default_factory=PaymentTerms)
    currency: str = "EUR"
    lines: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> Invoice:
        self.lines.append(line)
        return self

    @property
    def net(self) -> Money:
        return Money.total((line.net for line in self.lines), self.currency)

    def taxes(self) -> dict[Decimal, Money]:
        """Tax by rate, lowest rate first; each is rounded once, on the sum of its lines."""
        nets: dict[Decimal, Money] = {}
        for line in self.lines:
            nets[line.tax] = line.net
        return {rate: nets[rate].share(rate) for rate in sorted(nets)}

    @property
    def total(self) -> Money:
        return self.net + Money.total(self.taxes().values(), self.currency)

    def due(self) -> date:
        return self.terms.due(self.issued)

    def payable(self, on: date) -> Money:
        """What has to be paid on a day: less when early, more when late."""
        total = self.total
        if self.terms.is_early(self.issued, on):
            return total - total.share(self.terms.early_percent)
        if on > self.due():
            return total + total.share(self.terms.late_percent)
        return total
