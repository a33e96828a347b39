"""What a run is asked for, out of the settings that hold for its repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.config import Settings
from agent.state import Approval, Goal, Scope, Task


def task(path: str, settings: Settings, approval: Approval, goal: Goal, **more: Any) -> Task:
    """The task for a run on the repository at `path`."""
    only = settings["only"]
    return Task(
        path=str(Path(path).resolve()),
        goal=goal,
        test_command=settings["test_cmd"],
        budget_seconds=settings["budget"],
        approval=approval,
        scope=Scope(only) if only else Scope.TOUCHED,
        candidates=settings["candidates"],
        explain=settings["explain"],
        model=settings["model"],
        endpoint=settings["endpoint"],
        escalate=settings["escalate"],
        escalate_model=settings["escalate_model"],
        allow_plain_http=settings["allow_plain_http"],
        seed=settings["seed"],
        **more,
    )
