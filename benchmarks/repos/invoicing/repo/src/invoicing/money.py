"""Amounts of money, kept to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

CENT = Decimal("0.01")


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were combined."""


@dataclass(frozen=True)
class Money:
    """An amount in one currency."""

    amount: Decimal
    currency: str = "EUR"

    @classmethod
    def of(cls, value: str | int | Decimal, currency: str = "EUR") -> Money:
        return cls(Decimal(value), currency).rounded()

    @classmethod
    def total(cls, amounts: Iterable[Money], currency: str = "EUR") -> Money:
        result = cls.of(0, currency)
        for amount in amounts:
            result = result + amount
        return result

    def rounded(self) -> Money:
        """To the nearest cent; half a cent goes away from zero, as on paper."""
        return Money(self.amount.quantize(CENT), self.currency)

    def share(self, percent: Decimal) -> Money:
        """So many percent of the amount, rounded."""
        return Money(self.amount * percent / 100, self.currency).rounded()

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts by weight that add up to the whole; the first parts take the odd cents."""
        if not weights or sum(weights) <= 0:
            raise ValueError("weights must add up to more than zero")
        cents = int(self.amount / CENT)
        parts = [cents * weight // sum(weights) for weight in weights]
        for index in range(cents - sum(parts)):
            parts[index] += 1
        return [Money(part * CENT, self.currency) for part in parts]

    def __add__(self, other: Money) -> Money:
        self._check(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._check(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(self.amount * factor, self.currency).rounded()

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}"

    def _check(self, other: Money) -> None:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
