from datetime import date

import pytest

from stockroom import Batch, Inventory, NotEnoughStock, Product, UnknownProduct, normal_sku


@pytest.mark.parametrize(
    ("text", "expected"),
    [("TEA-7", "TEA-7"), ("tea-7", "TEA-7"), ("  tea -7 ", "TEA-7"), ("tea\t-7", "TEA-7")],
)
def test_normal_sku(text: str, expected: str) -> None:
    assert normal_sku(text) == expected


def test_found_however_it_is_written(inventory: Inventory, today: date) -> None:
    assert inventory.product("milk-1").name == "Milk"
    assert inventory.on_hand(" Milk-1", today) == 16


def test_unknown(inventory: Inventory) -> None:
    with pytest.raises(UnknownProduct, match="no product RUM-3"):
        inventory.product("rum-3")


def test_pack_is_positive() -> None:
    with pytest.raises(ValueError, match="pack"):
        Product("x", "X", pack=0)


@pytest.mark.parametrize(("day", "pieces"), [(15, 16), (20, 16), (21, 10), (30, 10)])
def test_on_hand(inventory: Inventory, day: int, pieces: int) -> None:
    assert inventory.on_hand("MILK-1", date(2024, 6, day)) == pieces


def test_empty_batches_are_refused(inventory: Inventory, today: date) -> None:
    with pytest.raises(ValueError, match="at least one"):
        inventory.receive("TEA-7", Batch(0, today))


class TestReserving:
    def test_reserved_pieces_are_not_free(self, inventory: Inventory, today: date) -> None:
        inventory.reserve("MILK-1", 9, today)
        assert inventory.free("MILK-1", today) == 7
        assert inventory.on_hand("MILK-1", today) == 16

    def test_too_many(self, inventory: Inventory, today: date) -> None:
        inventory.reserve("TEA-7", 3, today)
        with pytest.raises(NotEnoughStock, match="TEA-7: 4 wanted, 2 free") as caught:
            inventory.reserve("TEA-7", 4, today)
        assert caught.value.missing == 2


def test_what_expires_first_goes_first(inventory: Inventory, today: date) -> None:
    inventory.reserve("MILK-1", 8, today)
    taken = inventory.take("MILK-1", 8, today)
    assert taken == [(date(2024, 6, 12), 6), (date(2024, 6, 10), 2)]
    assert inventory.free("MILK-1", today) == 8


def test_write_off(inventory: Inventory) -> None:
    day = date(2024, 6, 25)
    assert inventory.write_off(day) == {"MILK-1": 6}
    assert inventory.write_off(day) == {}
