"""Why something cannot be lent."""


class LendingError(Exception):
    """A rule of the library forbids it."""
