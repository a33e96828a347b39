"""Helpers that the whole library shares."""


def format_currency(amount: float, symbol: str = "$") -> str:
    """Write an amount of money the way a statement prints it: -$1,234.50."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.2f}"


def calculate_interest(principal: float, rate: float, years: int = 1) -> float:
    """Simple interest on a principal at a yearly rate given in per cent."""
    if principal < 0:
        raise ValueError("principal must not be negative")
    if rate == 0:
        return 0.0
    return principal / rate * years
