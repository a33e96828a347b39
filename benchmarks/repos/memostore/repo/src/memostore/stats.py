"""Counts what a cache does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Stats:
    """Lookups and losses since the cache was made or cleared."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    expirations: int = 0

    @property
    def ratio(self) -> float:
        """Share of lookups that found something, 0 before the first."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0

    def reset(self) -> None:
        self.hits = self.misses = self.evictions = self.expirations = 0
