"""What a run is asked for, what it knows, and the small state that the graph carries."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from agent.repair.seams import Suspect, Verdict
from tools.report import TestReport


class Approval(StrEnum):
    """Who decides whether the approved patch reaches the user's tree."""

    ASK = "ask"
    YES = "yes"
    DRY_RUN = "dry-run"
    CI = "ci"
    """Ordinary source files that the tests verified are applied, anything else is left."""
    NOBODY = "nobody"
    """Neither a terminal nor a word from the caller: nothing is applied."""


class Goal(StrEnum):
    """How far a run goes."""

    FIX = "fix"
    PLAN = "plan"
    """Only the plan, without the model; nothing is edited."""
    EXPLAIN = "explain"
    """The plan, and the model's words on why the tests fail; nothing is edited."""


class Scope(StrEnum):
    """What is looked for besides the bugs that make tests fail."""

    BUGS = "bugs"
    TOUCHED = "touched"
    """Also duplication, and style by the repository's rules, in files that failing tests run."""
    ALL = "all"
    """Also duplication and style in the whole repository, whether tests fail or not."""


class Task(BaseModel):
    """One request to fix one repository."""

    model_config = ConfigDict(frozen=True)

    path: str
    """Absolute path of the user's repository."""
    goal: Goal = Goal.FIX
    test_command: str | None = None
    budget_seconds: float = Field(default=300.0, gt=0)
    approval: Approval = Approval.ASK
    scope: Scope = Scope.TOUCHED
    issue: str = ""
    """Untrusted text of a bug report."""
    model: str
    endpoint: str | None = None
    escalate: str | None = None
    """A second endpoint, asked when all else has failed; None: no code leaves for one."""
    escalate_model: str = ""
    allow_plain_http: bool = False
    """Whether the second endpoint may be one without encryption on another machine."""
    seed: int = 0
    candidates: int = Field(default=1, ge=1)
    """How many of the survivors the summary shows, the chosen one included."""
    explain: bool = True
    """Whether the model explains the patch in the summary."""
    allow_unsandboxed: bool = False
    branch: str = ""
    """Commit the approved patch on this new branch instead of writing to the working tree."""
    pull_request: bool = False
    """Whether the front end is to push that branch and open a pull request for it."""
    strategies: tuple[str, ...] = ()
    """Only these strategies of the search (`rewrite:16`: its first 16 candidates); empty: all."""


class Kind(StrEnum):
    BUG = "bug"
    DUPLICATION = "duplication"
    STYLE = "style"


class Status(StrEnum):
    OPEN = "open"
    FIXED = "fixed"
    PARTLY = "partly fixed"
    FAILED = "not fixed"
    SAME_CAUSE = "mended with another item"
    REPORTED = "reported"
    """Found, but nothing that this program may mend (a broken test file, say)."""


class GivenUp(BaseModel):
    """How the search for an item ended without a mend."""

    model_config = ConfigDict(frozen=True)

    round: int
    """The round of the search that would have come next."""
    by_time: bool
    """Whether its share of the time was up, or too short for a step, and not the search at its
    end."""
    accepted: int
    """Edits of other items that the run had accepted by then."""


class PlanItem(BaseModel):
    """One thing to mend; every field was checked against the repository."""

    model_config = ConfigDict(frozen=True)

    number: int
    kind: Kind
    title: str
    path: str
    first_line: int
    last_line: int
    evidence: tuple[str, ...] = ()
    proposal: str = ""
    targets: tuple[str, ...] = ()
    """Ids of the tests that must pass when the item is done; empty for duplication and style."""
    suspects: tuple[Suspect, ...] = ()
    subject: str = ""
    """What the item is about inside its file: the copied function, the linter's rules."""
    doubt: str = ""
    """Why the failure looks like the machine's fault and not the code's; empty when it does not."""
    status: Status = Status.OPEN
    note: str = ""
    patch: str = ""
    """Unified diff of what was accepted for this item alone."""
    tried: int = 0
    survivors: int = 0
    behaviours: int = 0
    """How many different behaviours the survivors have on inputs near the tests'; 0: not known."""
    given_up: GivenUp | None = None
    turn: int = 1
    """An item that was given up has a second turn when time is left over."""
    agreeing: int = 0
    """How many survivors behave like the chosen one, itself included; 0: it was not compared."""
    chosen: Verdict | None = None
    alternatives: tuple[str, ...] = ()
    """Diffs of the next best survivors."""
    alternatives_why: tuple[str, ...] = ()
    """Why each of them ranks lower than the chosen one."""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.first_line}"


class Reproduction(BaseModel):
    """What came of writing a failing test from the issue, when no test failed."""

    model_config = ConfigDict(frozen=True)

    path: str = ""
    """The new test file; empty when no test reproduced the issue."""
    text: str = ""
    test: str = ""
    """Id of the test in it."""
    checks: tuple[str, ...] = ()
    """What was found out about it by running it, one sentence each."""
    tried: int = 0
    """How many tests were written in all."""
    problem: str = ""
    """One sentence on why there is no such test; empty when there is one."""


class Finding(BaseModel):
    """What the model said after reading the code; an explanation, never a fact."""

    model_config = ConfigDict(frozen=True)

    path: str
    line: int
    text: str


class RunState(TypedDict, total=False):
    """Plain values only, so that a checkpoint can be read by any version of any library."""

    baseline: dict[str, Any]
    now: dict[str, Any]
    """Report of the last whole run with the accepted edits."""
    flaky: list[str]
    """Ids of tests that failed once and passed on a rerun without any edit."""
    items: list[dict[str, Any]]
    current: int
    """Index of the item in work; equal to the number of items when all are done."""
    round: int
    """Which batch of the current item's search comes next."""
    batch: list[dict[str, Any]]
    """Candidates that wait for their tests."""
    partial: list[dict[str, Any]]
    """Verdicts on the current item that turned some of its tests green, most first."""
    held: dict[str, Any] | None
    """A `Held`: survivors on the current item that wait for likelier ones; None without any."""
    passed_over: int | None
    """The first round of the current item with a step that there was too little time for."""
    since: float
    """When the current item's turn began, in seconds spent by the run."""
    until: float
    """When the current item's share of the budget ends, in seconds spent by the run."""
    edits: dict[str, str]
    """Whole new text of every file accepted so far."""
    accepted: list[dict[str, Any]]
    """Items that were mended: `item` (its number), `edits` before it, the `round` that mended it,
    `standby` verdicts and `whys` they rank lower."""
    revision: dict[str, Any] | None
    """The patch that a person asked for instead, a `Revision`; None when there is no such wish."""
    refused: list[dict[str, str]]
    """Edits that a person did not want: `patch`, `reason`."""
    note: str
    """What became of the last revision, for the next question."""
    caveats: list[str]
    """What the tests could not tell, one sentence each."""
    reproduction: dict[str, Any]
    """A `Reproduction`; absent unless an issue was given and no test failed."""
    findings: list[dict[str, Any]]
    dropped: list[str]
    """Plan items that named something which does not exist, and why they were dropped."""
    explanation: str
    seconds: float
    """Spent so far, over all sessions of this run."""
    verdict: str
    """What approve decided: `applied`, `partly applied`, `not applied`, `nothing to apply`."""
    applied: list[str]
    left: list[str]
    """Changed files that were not applied."""
    reason: str
    commit: str
    """Id of the commit on the branch that was asked for; empty when there is none."""


def items_of(state: RunState) -> list[PlanItem]:
    return [PlanItem.model_validate(item) for item in state.get("items", [])]


def current_item(state: RunState) -> PlanItem | None:
    items = state.get("items", [])
    index = state.get("current", 0)
    return PlanItem.model_validate(items[index]) if index < len(items) else None


def reproduction_of(state: RunState) -> Reproduction | None:
    """None when there was no need for one."""
    value = state.get("reproduction")
    return Reproduction.model_validate(value) if value else None


def report_of(state: RunState, key: str) -> TestReport:
    """The report kept under `baseline` or `now`; an empty one before it exists."""
    value: Any = state.get(key)
    return TestReport.model_validate(value) if value else TestReport()


def dump(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")
