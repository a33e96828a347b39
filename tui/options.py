"""What the command line said that every run of this session shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.state import Task


@dataclass(frozen=True)
class Options:
    given: Mapping[str, Any] = field(default_factory=dict)
    """Settings that were given as options, by their names in a configuration file."""
    branch: str = ""
    allow_unsandboxed: bool = False

    def task(self, path: str, budget_seconds: float, *, bugs_only: bool) -> Task:
        """One request, its other settings from the configuration as for `agent fix`.

        The person at the screen is asked before anything is applied. Raises Unusable.
        """
        from agent import config, tasks
        from agent.state import Approval, Goal

        flags = {**self.given, "budget": budget_seconds, **({"only": "bugs"} if bugs_only else {})}
        return tasks.task(
            path,
            config.resolve(Path(path), flags),
            Approval.ASK,
            Goal.FIX,
            allow_unsandboxed=self.allow_unsandboxed,
            branch=self.branch,
        )
