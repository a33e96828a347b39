"""A small bank: accounts, transactions and the money arithmetic that they share."""
