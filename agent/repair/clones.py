"""Functions that stand in a repository more than once, and the edit that leaves one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.repair.seams import Candidate


@dataclass(frozen=True)
class Clone:
    """A copy of a function that can be replaced by an import of the canonical one."""

    path: str
    name: str
    first_line: int
    last_line: int
    canonical_path: str
    canonical_name: str
    canonical_line: int
    reasons: tuple[str, ...]
    """Why they are the same, and why that one stays, in words."""
    candidate: Candidate

    @property
    def key(self) -> tuple[str, str]:
        """Names the copy, also after other edits moved its lines."""
        return self.path, self.name


class CloneFinder(Protocol):
    def find(self, root: Path, paths: Iterable[str]) -> tuple[Clone, ...]:
        """Copies among these source files that may safely go; tests and vendored code are not
        looked at. Each clone's candidate holds for the files as they are now, alone.
        """
