"""What can be wrong with a stock operation."""


class StockError(Exception):
    """Base of all that follows."""


class UnknownProduct(StockError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"no product {sku}")


class NotEnoughStock(StockError):
    """Fewer pieces are free than wanted."""

    def __init__(self, sku: str, wanted: int, free: int) -> None:
        super().__init__(f"{sku}: {wanted} wanted, {free} free")
        self.sku = sku
        self.missing = wanted - free
