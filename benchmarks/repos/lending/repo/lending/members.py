"""Members."""

from __future__ import annotations

from collections.abc import Iterable

from lending.books import Copy


class Member:
    """Somebody with a card; loans and notices may come from another branch."""

    def __init__(
        self,
        name: str,
        *,
        limit: int = 3,
        loans: Iterable[Copy] = (),
        notices: list[str] = [],
    ) -> None:
        self.name = name
        self.limit = limit
        self.loans = list(loans)
        self.notices = notices

    def __repr__(self) -> str:
        return f"Member({self.name!r}, {len(self.loans)} of {self.limit})"

    @property
    def may_borrow(self) -> bool:
        return len(self.loans) < self.limit
