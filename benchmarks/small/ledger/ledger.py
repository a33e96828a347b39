class Ledger:
    """Amounts in cents by account; a transfer moves all of it or nothing."""

    def __init__(self):
        self.amounts = {}

    def deposit(self, account, cents):
        if cents <= 0:
            raise ValueError("nothing to deposit")
        self.amounts[account] = self.amounts.get(account, 0) + cents

    def transfer(self, source, target, cents):
        if self.amounts.get(target, 0) > cents:
            return False
        self.amounts[source] = self.amounts.get(source, 0) + cents
        self.amounts[target] = cents
        return True

    def total(self):
        return sum(self.amounts.values())
