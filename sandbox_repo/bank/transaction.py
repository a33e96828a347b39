"""One movement of money on an account."""

from dataclasses import dataclass


def format_currency(amount: float, symbol: str = "$") -> str:
    """Write an amount of money the way a statement prints it: -$1,234.50."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.2f}"


@dataclass(frozen=True)
class Transaction:
    """A deposit (positive) or a withdrawal (negative)."""

    kind: str
    amount: float

    def is_credit(self) -> bool:
        return self.amount > 0

    def __str__(self) -> str:
        return ' '.join([self.kind.ljust(10), format_currency(self.amount)])
