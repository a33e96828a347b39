"""Lends books to members."""

from lending.books import Book, Copy
from lending.errors import LendingError
from lending.fees import FeeRule, Ledger
from lending.library import Library
from lending.members import Member

__all__ = ["Book", "Copy", "FeeRule", "Ledger", "LendingError", "Library", "Member"]
