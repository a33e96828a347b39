"""What is in stock, for whom it is reserved, and what to order."""

from stockroom.batch import Batch
from stockroom.errors import NotEnoughStock, StockError, UnknownProduct
from stockroom.inventory import Inventory
from stockroom.orders import Order, OrderBook
from stockroom.product import Product, normal_sku
from stockroom.report import Reorder, reorder_list

__all__ = [
    "Batch",
    "Inventory",
    "NotEnoughStock",
    "Order",
    "OrderBook",
    "Product",
    "Reorder",
    "StockError",
    "UnknownProduct",
    "normal_sku",
    "reorder_list",
]
