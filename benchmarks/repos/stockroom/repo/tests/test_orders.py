from datetime import date

import pytest

from stockroom import Inventory, NotEnoughStock, OrderBook, Reorder, reorder_list


@pytest.fixture
def book(inventory: Inventory) -> OrderBook:
    return OrderBook(inventory)


def test_place_and_ship(book: OrderBook, today: date) -> None:
    order = book.place("Ada", {"TEA-7": 2, "MILK-1": 6}, today)
    assert order.number == 1
    assert book.inventory.free("TEA-7", today) == 3
    assert book.ship(order, today) == {
        "TEA-7": [(date(2024, 1, 5), 2)],
        "MILK-1": [(date(2024, 6, 12), 6)],
    }
    assert book.inventory.on_hand("MILK-1", today) == 10


def test_shipped_once(book: OrderBook, today: date) -> None:
    order = book.place("Ada", {"TEA-7": 2}, today)
    book.ship(order, today)
    with pytest.raises(ValueError, match="order 1 is shipped"):
        book.ship(order, today)


def test_all_or_nothing(book: OrderBook, today: date) -> None:
    with pytest.raises(NotEnoughStock):
        book.place("Ada", {"MILK-1": 4, "TEA-7": 6}, today)
    assert book.orders == []
    assert book.inventory.free("MILK-1", today) == 16


def test_lines_of_one_product_are_joined(book: OrderBook, today: date) -> None:
    order = book.place("Ada", {"TEA-7": 1, "tea-7": 2}, today)
    assert order.lines == {"TEA-7": 3}


def test_reorder_list(inventory: Inventory, today: date) -> None:
    assert reorder_list(inventory, today) == [Reorder("MILK-1", 1, 12)]


def test_reserved_pieces_are_ordered_again(inventory: Inventory, today: date) -> None:
    inventory.reserve("TEA-7", 1, today)
    inventory.reserve("MILK-1", 9, today)
    assert reorder_list(inventory, today) == [Reorder("MILK-1", 2, 24), Reorder("TEA-7", 1, 10)]
