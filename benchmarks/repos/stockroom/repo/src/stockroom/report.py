"""What to order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stockroom.inventory import Inventory


@dataclass(frozen=True)
class Reorder:
    sku: str
    packs: int
    pieces: int


def reorder_list(inventory: Inventory, day: date) -> list[Reorder]:
    """For each product below its minimum, the packs that bring it there, by article number."""
    wanted = []
    for product in inventory:
        missing = product.minimum - inventory.free(product.sku, day)
        if missing > 0:
            packs = -(-missing // product.pack)
            wanted.append(Reorder(product.sku, packs, packs * product.pack))
    return sorted(wanted, key=lambda one: one.sku)
