"""What the command line said that every run of this session shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.state import Task


@dataclass(frozen=True)
class Options:
    test_command: str | None = None
    branch: str = ""
    model: str | None = None
    """None: the default one."""
    endpoint: str | None = None
    allow_unsandboxed: bool = False

    def task(self, path: str, budget_seconds: float, *, bugs_only: bool) -> Task:
        """One request; the person at the screen is asked before anything is applied."""
        from agent.state import Approval, Scope, Task
        from runtime.models import DEFAULT_MODEL

        return Task(
            path=path,
            test_command=self.test_command,
            budget_seconds=budget_seconds,
            approval=Approval.ASK,
            scope=Scope.BUGS if bugs_only else Scope.TOUCHED,
            model=self.model or DEFAULT_MODEL,
            endpoint=self.endpoint,
            branch=self.branch,
            allow_unsandboxed=self.allow_unsandboxed,
        )
