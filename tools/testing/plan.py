"""How a repository's tests are run: what detection finds and every runner needs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["pytest", "unittest", "command"]


class TestPlan(BaseModel):
    """One way of running the tests of one repository."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    kind: Kind
    python: str | None = None
    """Absolute path of the interpreter that runs the worker; None for kind `command`."""
    argv: tuple[str, ...]
    """What a person would type; the very command for kind `command`."""
    reasons: tuple[str, ...] = ()
    """How this was found, in words, for the plan and `agent doctor`."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Variables that the tests get beyond the sandbox's own."""
    origin: str = ""
    """The repository that was looked at; tests run in a copy of it."""
    arguments: tuple[str, ...] = ()
    """Options for pytest."""
    targets: tuple[str, ...] = ()
    """What a full run runs: paths for pytest, names for unittest; empty for everything."""
    starts: tuple[tuple[str, str], ...] = ()
    """unittest discovery: (directory, top directory) pairs, relative to the root."""
    pattern: str = "test*.py"
    """unittest discovery: which files."""
    readable: tuple[str, ...] = ()
    """Directories that a command needs to see beyond the repository, absolute."""
