"""Pieces that arrived together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass
class Batch:
    """So many pieces; those without `expires` keep for ever."""

    quantity: int
    received: date
    expires: date | None = None

    def usable(self, day: date) -> bool:
        """Whether the pieces may still be sold; the day of expiry is the last."""
        return self.expires is None or day <= self.expires

    @property
    def urgency(self) -> tuple[date, date]:
        """What expires first is sold first, then what arrived first."""
        return self.expires or date.max, self.received
