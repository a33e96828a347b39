"""What a task of a benchmark is: a broken repository, and tests that its mend never sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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
