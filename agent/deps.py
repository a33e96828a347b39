"""What the nodes work with: built by the runner, carried in the graph's context, not in state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.events import Event
from agent.record import Record
from agent.repair.budget import Budget
from agent.repair.clones import CloneFinder
from agent.repair.reproduce import Reproducer
from agent.repair.seams import Language, Localizer, Ranker, Verifier
from agent.repair.search import Search
from agent.state import Task
from agent.thinker import Thinker
from agent.tracing import Trace
from tools.gateway import Gateway, ToolResult
from tools.report import TestReport
from tools.rules import Rules
from tools.workspace import Workspace


@dataclass(frozen=True)
class Deps:
    task: Task
    run_id: str
    home: Path
    """This run's own directory, outside the repository."""
    workspace: Workspace
    gateway: Gateway
    rules: Rules
    thinker: Thinker
    language: Language
    clones: CloneFinder
    localizer: Localizer
    search: Search
    verifier: Verifier
    ranker: Ranker
    reproducer: Reproducer
    budget: Budget
    record: Record
    trace: Trace
    emit: Callable[[Event], None]
    facts: Mapping[str, Any]
    """What the runner found out before the graph began: test plan, sandbox, git, versions."""
    call: Callable[..., ToolResult]
    """A tool call of the harness by name and keywords, through the gateway like every other;
    raises Cancelled once the user stopped the run."""

    def run_tests(
        self,
        selection: Sequence[str] | None = None,
        *,
        coverage: bool = False,
        clean: bool = False,
        timeout: float | None = None,
    ) -> TestReport:
        """The repository's tests on the workspace as it is now.

        `clean` asks for a process of their own instead of the forked worker.
        Raises AgentError with the gateway's reason when the call was not allowed.
        """
        arguments: dict[str, Any] = {"coverage": coverage, "clean": clean}
        if selection is not None:
            arguments["selection"] = list(selection)
        if timeout is not None:
            arguments["timeout"] = timeout
        result = self.call("run_tests", **arguments)
        if not result.ok or not isinstance(result.data, TestReport):
            raise AgentError(f"The tests could not be run: {result.content}")
        self.budget.test_runs_used += 1
        return result.data


class Cancelled(AgentError):
    """The user stopped the run."""

    exit_status = 130
