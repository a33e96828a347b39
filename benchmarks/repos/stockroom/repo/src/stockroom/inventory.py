"""Products and their batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from stockroom.batch import Batch
from stockroom.errors import NotEnoughStock, UnknownProduct
from stockroom.product import Product, normal_sku


class Inventory:
    """Stock by article number, however that is written."""

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._batches: dict[str, list[Batch]] = defaultdict(list)
        self._reserved: dict[str, int] = defaultdict(int)

    def __iter__(self) -> Iterator[Product]:
        return iter(self._products.values())

    def add_product(self, product: Product) -> None:
        self._products[product.sku] = product

    def product(self, sku: str) -> Product:
        key = normal_sku(sku)
        if key not in self._products:
            raise UnknownProduct(key)
        return self._products[key]

    def receive(self, sku: str, batch: Batch) -> None:
        if batch.quantity <= 0:
            raise ValueError("a batch holds at least one piece")
        self._batches[self.product(sku).sku].append(batch)

    def on_hand(self, sku: str, day: date) -> int:
        """Pieces that may be sold on a day, reserved ones included."""
        batches = self._batches[self.product(sku).sku]
        return sum(batch.quantity for batch in batches if batch.usable(day))

    def free(self, sku: str, day: date) -> int:
        return self.on_hand(sku, day) - self._reserved[self.product(sku).sku]

    def reserve(self, sku: str, quantity: int, day: date) -> None:
        """Keep pieces for somebody; raises NotEnoughStock when too few are free."""
        free = self.free(sku, day)
        if quantity > free:
            raise NotEnoughStock(self.product(sku).sku, quantity, free)
        self._reserved[self.product(sku).sku] += quantity

    def release(self, sku: str, quantity: int) -> None:
        """Give back what was reserved."""
        self._reserved[self.product(sku).sku] -= quantity

    def take(self, sku: str, quantity: int, day: date) -> list[tuple[date, int]]:
        """Remove reserved pieces; returns from which deliveries, with how many from each."""
        key = self.product(sku).sku
        usable = [batch for batch in self._batches[key] if batch.usable(day)]
        taken = []
        left = quantity
        for batch in sorted(usable, key=lambda one: one.urgency):
            part = min(quantity, batch.quantity)
            if part:
                batch.quantity -= part
                left -= part
                taken.append((batch.received, part))
        self._batches[key] = [batch for batch in self._batches[key] if batch.quantity]
        self._reserved[key] -= quantity
        return taken

    def write_off(self, day: date) -> dict[str, int]:
        """Throw away what may not be sold any more; returns the pieces by article number."""
        lost: dict[str, int] = {}
        for sku, batches in self._batches.items():
            pieces = sum(batch.quantity for batch in batches if not batch.usable(day))
            if pieces:
                lost[sku] = pieces
                self._batches[sku] = [batch for batch in batches if batch.usable(day)]
        return lost
