"""A second lane for the search: one more copy of the repository, with a test worker of its own.

A call in it is one like any other: the same policy decides it, it has its number in the same row
and its lines in the same record, where the edits that it finds in its copy are told as the lane's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.events import Doing, Event, Note
from agent.repair.ahead import CandidateRunner
from agent.tracing import Trace
from agent.trials import GatewayTrials, TestBench
from runtime.hardware import memory_available, physical_cores
from tools.errors import ToolsError
from tools.gateway import Gateway, ToolResult
from tools.policy import Policy
from tools.sandbox import Sandbox
from tools.sandbox.scratch import scratch
from tools.testing import TestPlan
from tools.toolbox import Toolbox, build_toolbox
from tools.workspace import Workspace

FIRST, SECOND = 1, 2
"""Numbers of the lanes; the first works in the copy that the patch is made from."""
SHARE_OF_MEMORY = 0.25
"""Of the free memory: what a run of the tests may take where two run at once."""
MOST_BYTES, MOST_FILES = 256 << 20, 20_000
"""A repository that is larger is not copied once more."""


@dataclass(frozen=True)
class Copy:
    """One more copy of a run's repository and what works on it, behind no gateway yet."""

    workspace: Workspace
    toolbox: Toolbox


def another_copy(
    origin: Path, folder: Path, sandbox: Sandbox, policy: Policy, bench: TestBench, stack: ExitStack
) -> Copy:
    """A copy in the empty `folder` of what the workspace in `origin` was when it was made.

    To be made when `bench` has run the tests once. Raises ToolsError.
    """
    workspace = Workspace.again(origin, folder)
    stack.callback(workspace.close)
    beside = bench.beside(workspace)
    return Copy(workspace, build_toolbox(workspace, sandbox, policy, beside))


@dataclass(frozen=True)
class FirstLane:
    """What the run works with already; the second lane is made from it."""

    plan: TestPlan
    home: Path
    """Where the workspace was made."""
    workspace: Workspace
    sandbox: Sandbox
    policy: Policy
    bench: TestBench
    gateway: Gateway
    trace: Trace


class SecondLane:
    """Opens the lane when it is first wanted, and keeps its copy as the first one is."""

    def __init__(
        self,
        first: FirstLane,
        check: Callable[[], None],
        emit: Callable[[Event], None],
        stack: ExitStack,
    ) -> None:
        """`check` raises when the run is to end; what is opened closes with `stack`."""
        self._first = first
        self._check, self._emit, self._stack = check, emit, stack
        self._workspace: Workspace | None = None
        self._trials: GatewayTrials | None = None
        self._failed = False

    def __call__(self) -> Sequence[CandidateRunner]:
        """The lane's runner; none where two runs at once would get into each other's way."""
        if self._failed or not self._worthwhile():
            return ()
        try:
            if self._trials is None or self._workspace is None:
                self._workspace, self._trials = self._open()
            edits = self._first.workspace.changed()
            self._workspace.reset({path: _text(after) for path, (_, after) in edits.items()})
        except (ToolsError, OSError) as error:
            self._failed = True
            text = f"Candidates are tried one at a time, for there is no second copy: {error}"
            self._emit(Note(text=text, level="warning"))
            return ()
        return (self._trials,)

    def _worthwhile(self) -> bool:
        first = self._first
        files = first.workspace.manifest.files
        return (
            # Each lane needs a network, a /tmp and processes that the other one cannot reach.
            first.sandbox.level == "full"
            # A command of any kind may itself use all processors, and is no matter of milliseconds.
            and first.plan.kind != "command"
            and physical_cores() >= SECOND
            and first.bench.memory <= SHARE_OF_MEMORY * memory_available()
            and len(files) <= MOST_FILES
            and sum(file.size for file in files.values()) <= MOST_BYTES
        )

    def _open(self) -> tuple[Workspace, GatewayTrials]:
        self._emit(Doing(text="Copying the repository for a second test worker"))
        first = self._first
        folder = self._stack.enter_context(scratch())
        copy = another_copy(
            first.home, folder, first.sandbox, first.policy, first.bench, self._stack
        )
        trace = first.trace.beside(copy.workspace, SECOND)
        gateway = first.gateway.beside(copy.toolbox, trace.on_call, trace.on_ruling)

        def call(tool: str, **arguments: Any) -> ToolResult:
            self._check()
            return gateway.call(tool, arguments, caller="harness")

        return copy.workspace, GatewayTrials(call, copy.workspace)


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "surrogateescape")
