"""An account: a balance, and the movements that led to it."""

from bank.transaction import Transaction
from bank.utils import calculate_interest


def format_currency(amount: float, symbol: str = "$") -> str:
    """Write an amount of money the way a statement prints it: -$1,234.50."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.2f}"


class Account:
    """The account of one owner. Amounts are in the bank's one currency."""

    def __init__(self, owner: str, balance: float = 0.0) -> None:
        self.owner = owner
        self.balance = balance
        self.history: list[Transaction] = []

    def deposit(self, amount: float) -> None:
        if amount <= 0:
            raise ValueError("a deposit must be positive")
        self.balance += amount
        self.history.append(Transaction("deposit", amount))

    def withdraw(self, amount: float) -> None:
        if amount > self.balance:
            raise ValueError("insufficient funds")
        self.balance -= amount
        self.history.append(Transaction("withdrawal", -amount))

    def add_interest(self, rate: float, years: int = 1) -> float:
        """Credit simple interest on the balance and return what was credited."""
        interest = calculate_interest(self.balance, rate, years)
        self.deposit(interest)
        return interest

    def statement(self) -> str:
        lines = [str(transaction) for transaction in self.history]
        return "\n".join([*lines, f"{self.owner}: {format_currency(self.balance)}"])
