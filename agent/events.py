"""What every front end sees of a run. Values only: no front end needs anything else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agent.state import Goal, PlanItem


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunStarted(_Event):
    event: Literal["run-started"] = "run-started"
    run_id: str
    path: str
    resumed: bool = False
    goal: Goal = Goal.FIX
    sandbox: str
    budget_seconds: float


class PhaseStarted(_Event):
    event: Literal["phase-started"] = "phase-started"
    phase: Literal["plan", "edit", "verify", "approve", "summary"]
    detail: str = ""


class Doing(_Event):
    """Something that may take longer than a second has begun."""

    event: Literal["doing"] = "doing"
    text: str


class Note(_Event):
    event: Literal["note"] = "note"
    text: str
    level: Literal["info", "warning"] = "info"


class TestsProgress(_Event):
    event: Literal["tests-progress"] = "tests-progress"
    done: int
    total: int


class TestsFinished(_Event):
    event: Literal["tests-finished"] = "tests-finished"
    passed: int
    total: int
    failing: tuple[str, ...]
    seconds: float
    what: str


class PlanReady(_Event):
    event: Literal["plan-ready"] = "plan-ready"
    items: tuple[PlanItem, ...]
    dropped: tuple[str, ...] = ()


class ToolCalled(_Event):
    event: Literal["tool-called"] = "tool-called"
    tool: str
    caller: str
    arguments: str
    verdict: str
    ok: bool
    seconds: float


class Token(_Event):
    """A piece of model text, as it arrives. Untrusted, control sequences removed."""

    event: Literal["token"] = "token"
    text: str


class ModelFinished(_Event):
    event: Literal["model-finished"] = "model-finished"
    purpose: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    seconds: float


class CandidateTried(_Event):
    event: Literal["candidate-tried"] = "candidate-tried"
    item: int
    number: int
    strategy: str
    operator: str
    path: str
    line: int
    passed: int
    total: int
    survived: bool
    rejected: str = ""
    seconds_left: float


class ItemFinished(_Event):
    event: Literal["item-finished"] = "item-finished"
    item: PlanItem


class DiffReady(_Event):
    event: Literal["diff-ready"] = "diff-ready"
    diff: str
    files: tuple[str, ...]


class Applied(_Event):
    event: Literal["applied"] = "applied"
    files: tuple[str, ...]
    left: tuple[str, ...] = ()
    reason: str = ""
    branch: str = ""
    """Where the files were committed instead of written to the tree; empty: they were written."""
    commit: str = ""


class Done(_Event):
    event: Literal["done"] = "done"
    run_id: str
    exit_status: int
    headline: str
    summary: str
    """The Markdown summary."""
    summary_path: str
    patch_path: str
    report_path: str


Event = Annotated[
    RunStarted
    | PhaseStarted
    | Doing
    | Note
    | TestsProgress
    | TestsFinished
    | PlanReady
    | ToolCalled
    | Token
    | ModelFinished
    | CandidateTried
    | ItemFinished
    | DiffReady
    | Applied
    | Done,
    Field(discriminator="event"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back from its JSON, for replay."""
