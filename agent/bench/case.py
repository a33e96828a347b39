"""What a task of a benchmark is: a broken repository, and what tells whether it was mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.bench.reference import Reference
from agent.bench.trees import TreeTests
from agent.errors import AgentError


class Unsound(AgentError):
    """The task itself is wrong, so no result on it would mean anything."""


@dataclass(frozen=True)
class Built:
    hidden: Mapping[str, bytes]
    """Hidden test files, by the path that they get in the repository once the run has ended."""
    note: str = ""
    """What is particular about the task, in one sentence; empty when nothing is."""
    targets: tuple[str, ...] = ()
    """Names of the tests that fail and must pass; empty when simply all tests must pass."""
    guarded: tuple[str, ...] = ()
    """Names of tests that must go on passing, beside those in the files of the targets."""
    test_command: str | None = None
    environment: Path | None = None
    """The virtual environment of the repository, where it lies outside of what was built."""
    reference: Reference | None = None


class Case(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of which kinds its bugs are; empty when nobody said."""

    def build(self, root: Path, tests: TreeTests) -> Built:
        """Write the repository to be mended to `root`, which does not exist yet.

        Raises Unsound.
        """
