"""Orders of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from stockroom.inventory import Inventory
from stockroom.product import normal_sku


@dataclass
class Order:
    """What a customer wants, by article number."""

    number: int
    customer: str
    lines: dict[str, int] = field(default_factory=dict)
    shipped: bool = False


class OrderBook:
    """Open and shipped orders; what is ordered is reserved at once."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.orders: list[Order] = []

    def place(self, customer: str, lines: Mapping[str, int], day: date) -> Order:
        """Reserve all lines, or none: a StockError leaves the stock as it was."""
        order = Order(len(self.orders) + 1, customer)
        for sku, quantity in lines.items():
            self.inventory.reserve(sku, quantity, day)
            key = normal_sku(sku)
            order.lines[key] = order.lines.get(key, 0) + quantity
        self.orders.append(order)
        return order

    def ship(self, order: Order, day: date) -> dict[str, list[tuple[date, int]]]:
        """Take an order out of the stock; returns the deliveries used for each line."""
        if order.shipped:
            raise ValueError(f"order {order.number} is shipped already")
        order.shipped = True
        return {
            sku: self.inventory.take(sku, quantity, day) for sku, quantity in order.lines.items()
        }
