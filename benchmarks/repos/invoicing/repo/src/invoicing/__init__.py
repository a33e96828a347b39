"""Invoices with tax, discounts and payment terms."""

from invoicing.invoice import Invoice, Line
from invoicing.money import CurrencyMismatch, Money
from invoicing.terms import PaymentTerms

__all__ = ["CurrencyMismatch", "Invoice", "Line", "Money", "PaymentTerms"]
