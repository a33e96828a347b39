"""Runs on behalf of another program: which repository it may name, and how it watches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent import config, runner, tasks
from agent.approval import Approver
from agent.errors import AgentError, Unusable
from agent.events import Done, Event
from agent.runner import Run
from agent.state import Approval, Goal, Task
from tools.text import one_line

MOST_SECONDS = 1800.0
"""The longest run that another program can ask for."""


def inside(root: Path, named: str) -> Path:
    """The folder `named`, which must lie in `root`, links followed; raises Unusable."""
    base = root.resolve()
    found = (base / named).resolve()
    if not found.is_relative_to(base):
        raise Unusable(
            f"{one_line(named, 80)!r} lies outside of {base}, which is all that may be used."
        )
    if not found.is_dir():
        raise Unusable(f"{one_line(named, 80)!r} is no folder in {base}.")
    return found


def task(folder: Path, goal: Goal, approval: Approval, given: dict[str, Any]) -> Task:
    """A task with the user's settings; `given` has what the other program may choose."""
    names = {"budget_seconds": "budget", "only": "only", "candidates": "candidates"}
    chosen = {name: given[key] for key, name in names.items() if key in given}
    asked = tasks.task(
        str(folder), config.resolve(folder, chosen), approval, goal, issue=given.get("issue", "")
    )
    return asked.model_copy(update={"budget_seconds": min(asked.budget_seconds, MOST_SECONDS)})


def finish(run: Run, approve: Approver, heard: Callable[[Event], None]) -> Done:
    """Follow the run to its end, in the calling thread; raises what the run raises."""
    done: Done | None = None
    for event in run.events(approve):
        heard(event)
        done = event if isinstance(event, Done) else done
    if done is None:
        raise AgentError("The run ended without a result.")
    return done


def begin(one: Task) -> Run:
    """The run of a task; nothing happens before it is followed."""
    return runner.start(one)


def said(event: Event) -> str:
    """One line about what goes on; empty where there is nothing to say."""
    match event.event:
        case "phase-started":
            return one_line(f"{event.phase}: {event.detail}".rstrip(": "))
        case "doing" | "note":
            return one_line(event.text)
        case "tests-finished":
            return f"{event.what}: {event.passed} of {event.total} tests pass"
        case "candidate-tried":
            place = f"{event.path}:{event.line}"
            return one_line(f"candidate {event.number} at {place}: {event.passed} of {event.total}")
        case _:
            return ""
