"""What is measured on one task, and over all of them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Grade(StrEnum):
    RIGHT = "right"
    """All visible and all hidden tests pass."""
    OVERFITS = "overfits"
    """All visible tests pass, and a hidden one fails."""
    NOT_FIXED = "not fixed"
    FAILED = "failed"
    """The run ended with an error."""
    UNSOUND = "unsound"
    """The task itself is wrong; it is left out of every share."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Settings(_Value):
    """All that must be equal for two results to belong into one table."""

    tasks: str
    """Where they come from."""
    model: str
    endpoint: str
    budget_seconds: float
    seed: int
    strategies: tuple[str, ...]
    """Empty for all."""


class Yield(_Value):
    """What one strategy gave on one task."""

    ran: int = 0
    """Candidates that were worth a test run."""
    rejected: int = 0
    """Those that were not: seen already, same as the code …"""
    survivors: int = 0
    test_seconds: float = 0.0


class Result(_Value):
    id: str
    kinds: tuple[str, ...] = ()
    note: str = ""
    grade: Grade
    problem: str = ""
    """Why it failed or is unsound; else empty."""
    headline: str = ""
    visible: tuple[int, int] = (0, 0)
    """Passed and total, of the tree as the run left it."""
    hidden: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    """Of the whole run, the copy, the sandbox's proof and the summary included; wall clock."""
    seconds_to_fix: float | None = None
    """From the start of the run to its last accepted edit, confirmed by a clean run."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_seconds: float = 0.0
    strategies: dict[str, Yield] = {}
    winners: tuple[str, ...] = ()
    """Strategy of each accepted edit."""
    operators: tuple[str, ...] = ()
    survivors_judged: int = 0
    """On how many different survivors the two below rest."""
    first_right: bool | None = None
    """Whether the first survivor is right; None when there was not a single bug to mend."""
    any_right: bool | None = None
    """Whether any survivor is."""
    patch: str = ""

    @property
    def plausible(self) -> bool:
        return self.grade in (Grade.RIGHT, Grade.OVERFITS)

    @property
    def ran(self) -> int:
        return sum(given.ran for given in self.strategies.values())

    @property
    def survivors(self) -> int:
        return sum(given.survivors for given in self.strategies.values())
