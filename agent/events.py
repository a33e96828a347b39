"""What every front end sees of a run. Values only: no front end needs anything else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agent.state import Goal, PlanItem
from tools.report import TestReport
from tools.text import one_line


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
    seconds_spent: float = 0.0
    """By earlier sessions of a resumed run."""
    model: str = ""
    """As the task names it; which one answers is known when it does."""


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


class RiskRaised(_Event):
    """Something that the model is shown tries to steer it, or hides; a Note says what."""

    event: Literal["risk-raised"] = "risk-raised"
    high: bool
    """Whether the model may only read from now on, and the patch waits for a person."""


class BudgetChanged(_Event):
    """The run was given more time, or time passed that does not count: a pause, a question."""

    event: Literal["budget-changed"] = "budget-changed"
    seconds_left: float


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
    messages: dict[str, str] = {}
    """By id: the last line of each failure."""

    @classmethod
    def of(cls, report: TestReport, what: str) -> TestsFinished:
        return cls(
            passed=report.passed_count,
            total=report.total,
            failing=tuple(test.id for test in report.failing),
            seconds=report.seconds,
            what=what,
            messages={test.id: one_line(test.message) for test in report.failing},
        )


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
    rule: str = ""
    """Id of the policy's rule that decided."""
    summary: str = ""
    """The first line of the result."""


class Token(_Event):
    """A piece of model text, as it arrives. Untrusted, control sequences removed."""

    event: Literal["token"] = "token"
    text: str


class ModelProgress(_Event):
    """Once a second while the model writes."""

    event: Literal["model-progress"] = "model-progress"
    purpose: str
    tokens: int
    """Written so far, over all samples of the request."""
    rate: float
    """Tokens a second."""


class ModelFinished(_Event):
    event: Literal["model-finished"] = "model-finished"
    purpose: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    seconds: float
    model: str = ""
    context: int = 0
    """Tokens that the model can hold; 0 when the endpoint does not say."""


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


class SurvivorsRanked(_Event):
    """Those of the candidates just tried that pass the tests, the one to apply first."""

    event: Literal["survivors-ranked"] = "survivors-ranked"
    item: int
    numbers: tuple[int, ...]
    """Their numbers among the item's candidates."""
    behaviours: int
    """Different behaviours among them on inputs near the tests'; 0: they were not compared."""
    reasons: tuple[str, ...] = ()
    """What counted for and against each of `numbers`."""


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
    | RiskRaised
    | BudgetChanged
    | TestsProgress
    | TestsFinished
    | PlanReady
    | ToolCalled
    | Token
    | ModelProgress
    | ModelFinished
    | CandidateTried
    | SurvivorsRanked
    | ItemFinished
    | DiffReady
    | Applied
    | Done,
    Field(discriminator="event"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back from its JSON, for replay."""
