"""When an invoice is to be paid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

NOTATION = re.compile(r"(?:(?P<percent>\d+(?:\.\d+)?)/(?P<early>\d+)\s+)?net\s+(?P<net>\d+)", re.I)


@dataclass(frozen=True)
class PaymentTerms:
    """Days until payment is due, and what an early or a late payment changes."""

    net_days: int = 30
    early_days: int = 0
    early_percent: Decimal = Decimal(0)
    late_percent: Decimal = Decimal(5)

    @classmethod
    def parse(cls, text: str) -> PaymentTerms:
        """Read the usual notation: `net 30`, or `2/10 net 30` for 2 % within ten days."""
        match = NOTATION.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not payment terms: {text!r}")
        if match["percent"] is None:
            return cls(int(match["net"]))
        return cls(int(match["net"]), int(match["early"]), Decimal(match["percent"]))

    def due(self, issued: date) -> date:
        return issued + timedelta(days=self.net_days)

    def is_early(self, issued: date, paid: date) -> bool:
        """Whether a payment earns the discount; the last day still counts."""
        if not self.early_days:
            return False
        return paid < issued + timedelta(days=self.early_days)
