"""The only door into the workflow: start or resume a run, and watch its events."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from agent import home
from agent.deps import Cancelled, Deps
from agent.errors import AgentError, NoSuchRun, Unusable
from agent.events import Event, RunStarted
from agent.state import RunState, Task
from agent.thinker import Host
from agent.wiring import build_deps
from runtime.errors import RuntimeFailure
from tools.errors import ToolsError
from tools.lock import RepositoryLock
from tools.policy import stop_file

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

T = TypeVar("T")
THREAD: RunnableConfig = {"configurable": {"thread_id": "run"}}
TICK = 0.1
"""Seconds between two looks at whether the graph has ended; bounds how late Ctrl-C is seen."""


@dataclass(frozen=True)
class Change:
    """One changed file that a person is asked about."""

    file: str
    target: str
    """The absolute path that would be written, links resolved."""
    what: tuple[str, ...]
    """The plan's items that it mends, one line each."""
    why: str
    """Why a person is asked: the rule, in words."""
    apart: bool
    """It can change how code is run or checked, so it is asked about by itself."""


@dataclass(frozen=True)
class ApprovalRequest:
    """Plan and diff were shown by now; nothing outside the copy was touched."""

    files: tuple[str, ...]
    tree: str
    """Absolute path of the tree that they would be written to."""
    branch: str = ""
    """The new branch that they would be committed on instead; empty: none was asked for."""
    changes: tuple[Change, ...] = ()
    evidence: tuple[str, ...] = ()
    """What the tests said, and what else speaks for or against the patch."""
    risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApprovalAnswer:
    approved: bool
    reason: str = ""
    files: tuple[str, ...] | None = None
    """Those that were approved, when not all of them were; None: all."""


Approver = Callable[[ApprovalRequest], ApprovalAnswer]


class Run:
    """One run of the workflow. Iterate `events` once; the last one is Done.

    Raises, from the iteration: AgentError, ToolsError and RuntimeFailure, one sentence each.
    Whatever is raised, the run can be resumed under its id.
    """

    def __init__(
        self,
        task: Task,
        run_id: str,
        directory: Path,
        *,
        resumed: bool,
        host: Host | None = None,
    ) -> None:
        self.task = task
        self.id = run_id
        self._home = directory
        self._resumed = resumed
        self._host = host
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop at once; safe from any thread and from a signal handler."""
        self._cancelled.set()
        for child in psutil.Process().children(recursive=True):
            # Model server, sandboxes and tests: whatever the workflow waits for ends now.
            with suppress(psutil.NoSuchProcess):
                child.kill()

    def events(self, approve: Approver) -> Iterator[Event]:
        if (switch := stop_file(home.state_root())).exists():
            raise Unusable(f"Every run is stopped ({switch}); `agent stop --lift` lets them begin.")
        (self._home / home.STOP).unlink(missing_ok=True)
        with ExitStack() as stack:
            lock = RepositoryLock(Path(self.task.path), self.id, state=home.state_root())
            stack.enter_context(lock)
            worker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="workflow"))
            deps = yield from self._watch(worker.submit(self._build, stack))
            yield self._started(deps)
            yield from self._walk(deps, worker, approve)

    def _build(self, stack: ExitStack) -> Deps:
        return build_deps(
            self.task, self.id, self._home, self._emit, self._cancelled, stack, self._host
        )

    def _emit(self, event: Event) -> None:
        """Ends the workflow at its next word once the run is cancelled, say during a request."""
        if self._cancelled.is_set():
            raise Cancelled("The run was interrupted.")
        self._events.put(event)

    def _walk(self, deps: Deps, worker: ThreadPoolExecutor, approve: Approver) -> Iterator[Event]:
        # langgraph takes half a second to import: only a run pays for it.
        from langgraph.checkpoint.sqlite import SqliteSaver
        from langgraph.types import Command

        from agent.graph import build

        with SqliteSaver.from_conn_string(str(self._home / home.CHECKPOINT)) as saver:
            graph = build(saver)
            snapshot = graph.get_state(THREAD)
            value: RunState | Command[Any] | None = self._entry(snapshot)
            deps.budget.resume(snapshot.values.get("seconds", 0.0))

            def step(value: RunState | Command[Any] | None) -> dict[str, Any]:
                return graph.invoke(value, THREAD, context=deps, durability="sync")

            while True:
                result = yield from self._watch(worker.submit(step, value))
                asked = result.get("__interrupt__")
                if not asked:
                    return
                answer = approve(_request(asked[0].value))
                value = Command(resume=asdict(answer))

    def _entry(self, snapshot: Any) -> RunState | None:
        """What to invoke the graph with: a fresh state, or nothing to go on from a checkpoint."""
        if not snapshot.values and not snapshot.next:
            return {"edits": {}, "current": 0, "round": 0, "seconds": 0.0}
        if not snapshot.next:
            raise NoSuchRun(f"Run {self.id} has finished; there is nothing to resume.")
        return None

    def _watch(self, future: Future[T]) -> Generator[Event, None, T]:
        """The events of work in the other thread, as they come; then its result."""
        try:
            while not (future.done() and self._events.empty()):
                self._stop_if_asked()
                try:
                    yield self._events.get(timeout=TICK)
                except queue.Empty:
                    continue
        except (KeyboardInterrupt, GeneratorExit):
            self.cancel()
            # Its checkpoints go through a connection that is closed behind us: closing it under
            # the thread that writes crashes the process.
            wait([future])
            raise
        try:
            return future.result()
        except (AgentError, RuntimeFailure, ToolsError) as error:
            # A server killed by the cancellation is not a failure of the model.
            if self._cancelled.is_set():
                raise Cancelled("The run was interrupted.") from error
            raise

    def _stop_if_asked(self) -> None:
        """`agent stop` puts a file; the gateway refuses every call from then on, too."""
        switches = (self._home / home.STOP, stop_file(home.state_root()))
        if not self._cancelled.is_set() and any(switch.exists() for switch in switches):
            self.cancel()

    def _started(self, deps: Deps) -> RunStarted:
        return RunStarted(
            run_id=self.id,
            path=self.task.path,
            resumed=self._resumed,
            goal=self.task.goal,
            sandbox=str(deps.facts["sandbox"]),
            budget_seconds=self.task.budget_seconds,
        )


def _request(asked: dict[str, Any]) -> ApprovalRequest:
    changes = tuple(Change(**{**one, "what": tuple(one["what"])}) for one in asked["changes"])
    return ApprovalRequest(
        files=tuple(asked["files"]),
        tree=asked["tree"],
        branch=asked["branch"],
        changes=changes,
        evidence=tuple(asked["evidence"]),
        risks=tuple(asked["risks"]),
    )


def start(task: Task, host: Host | None = None) -> Run:
    """A new run; nothing happens before its events are asked for.

    `host` is a model that several runs share; without it the run has the task's own.
    """
    run_id, directory = home.new_run(task)
    return Run(task, run_id, directory, resumed=False, host=host)


def resume(run_id: str) -> Run:
    """A run that was interrupted, from its last checkpoint; raises NoSuchRun."""
    task, directory = home.find_run(run_id)
    return Run(task, run_id, directory, resumed=True)
