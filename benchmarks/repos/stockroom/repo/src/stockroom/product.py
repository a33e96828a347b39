"""Products and how they are named."""

from __future__ import annotations

from dataclasses import dataclass


def normal_sku(text: str) -> str:
    """The one way to write an article number: ` ab 12-x` is `AB12-X`."""
    return text.strip().upper()


@dataclass(frozen=True)
class Product:
    """An article; below `minimum` pieces it is ordered again, in whole packs."""

    sku: str
    name: str
    minimum: int = 0
    pack: int = 1

    def __post_init__(self) -> None:
        if self.pack < 1:
            raise ValueError("a pack holds at least one piece")
        object.__setattr__(self, "sku", normal_sku(self.sku))
