"""The one kind of error that users of formulas see."""


class FormulaError(Exception):
    """A formula cannot be read or has no value."""
