from datetime import date

import pytest

from stockroom import Batch, Inventory, OrderBook, Product, StockError, normal_sku


@pytest.mark.parametrize(
    ("text", "expected"), [("a b c", "ABC"), ("x  1\n", "X1"), (" 9 - z ", "9-Z"), ("Q", "Q")]
)
def test_blanks_do_not_matter(text: str, expected: str) -> None:
    assert normal_sku(text) == expected
    assert Product(text, "Thing").sku == expected


def test_product_with_blanks_is_found() -> None:
    stock = Inventory()
    stock.add_product(Product("box 10", "Box"))
    stock.receive("BOX10", Batch(2, date(2024, 1, 1)))
    assert stock.on_hand("box  10", date(2024, 1, 2)) == 2


def test_failed_orders_reserve_nothing(inventory: Inventory, today: date) -> None:
    book = OrderBook(inventory)
    for _ in range(5):
        with pytest.raises(StockError):
            book.place("Ada", {"milk-1": 10, "TEA-7": 5, "GIN-1": 1}, today)
    assert inventory.free("MILK-1", today) == 16
    assert inventory.free("TEA-7", today) == 5
    assert book.place("Bob", {"MILK-1": 16}, today).number == 1


def test_a_failed_order_leaves_others_alone(inventory: Inventory, today: date) -> None:
    book = OrderBook(inventory)
    book.place("Ada", {"MILK-1": 7}, today)
    with pytest.raises(StockError):
        book.place("Bob", {"MILK-1": 5, "TEA-7": 9}, today)
    assert inventory.free("MILK-1", today) == 9


def test_taken_from_three_batches(inventory: Inventory, today: date) -> None:
    inventory.receive("MILK-1", Batch(4, date(2024, 6, 14), date(2024, 6, 16)))
    inventory.reserve("MILK-1", 15, today)
    assert inventory.take("MILK-1", 15, today) == [
        (date(2024, 6, 14), 4),
        (date(2024, 6, 12), 6),
        (date(2024, 6, 10), 5),
    ]
    assert inventory.on_hand("MILK-1", today) == 5


def test_one_batch_is_enough(inventory: Inventory, today: date) -> None:
    inventory.reserve("MILK-1", 5, today)
    assert inventory.take("MILK-1", 5, today) == [(date(2024, 6, 12), 5)]
    assert inventory.on_hand("MILK-1", today) == 11
