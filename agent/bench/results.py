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


class Miss(StrEnum):
    """What went wrong first on a task that is not right, in the order of a run."""

    COULD_NOT_RUN = "could not run"
    PLAN_TOO_LONG = "timed out in the plan"
    """Tests and reading took the whole budget; nothing was tried."""
    NOT_LOCALISED = "not localised"
    """The reference function is not among the suspects."""
    NOT_TRIED = "suspected, not tried"
    """No candidate for the reference function ran (for any, where it is not known)."""
    NONE_PASSED = "no candidate passed"
    REGRESSED = "regressed"
    """The failing tests passed with a candidate, and others did not."""
    OVERFITS = "overfits"


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
    plan_seconds: float = 0.0
    """From the start to the plan: tests, coverage and the model's reading."""
    model_seconds: float = 0.0
    test_seconds: float = 0.0
    """Of all test runs, the plan's and the confirmations' included."""
    miss: Miss | None = None
    """None when the task is right or unsound."""
    has_reference: bool = False
    """Whether it is known what the right mend changes; the two below rest on it."""
    rank: int | None = None
    """Place of the reference function among the suspects, from 1; None when it is not there."""
    tried_in_reference: int = 0
    """Candidates that ran and edit the reference function."""
    strategies: dict[str, Yield] = {}
    winners: tuple[str, ...] = ()
    """Strategy of each accepted edit."""
    operators: tuple[str, ...] = ()
    survivors_judged: int = 0
    """On how many different survivors the three below rest."""
    survivors_right: int = 0
    """How many of them are right."""
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
