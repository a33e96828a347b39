from datetime import date

import pytest

from stockroom import Batch, Inventory, Product


@pytest.fixture
def today() -> date:
    return date(2024, 6, 15)


@pytest.fixture
def inventory() -> Inventory:
    stock = Inventory()
    stock.add_product(Product("milk-1", "Milk", minimum=20, pack=12))
    stock.add_product(Product("TEA-7", "Tea", minimum=5, pack=10))
    stock.receive("MILK-1", Batch(10, date(2024, 6, 10), date(2024, 6, 30)))
    stock.receive("MILK-1", Batch(6, date(2024, 6, 12), date(2024, 6, 20)))
    stock.receive("TEA-7", Batch(5, date(2024, 1, 5)))
    return stock
