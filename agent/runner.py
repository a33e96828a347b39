"""The only door into the workflow: start or resume a run, and watch its events."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from agent import home
from agent.approval import Alternative, ApprovalAnswer, ApprovalRequest, Approver, Change
from agent.deps import Cancelled, Deps
from agent.errors import AgentError, NoSuchRun, Unusable
from agent.eventlog import EventLog
from agent.events import BudgetChanged, Event, RunStarted
from agent.state import RunState, Task
from agent.stopwatch import Stopwatch
from agent.thinker import Host
from agent.wiring import build_deps, require_repository
from runtime.errors import RuntimeFailure
from tools.errors import ToolsError
from tools.lock import RepositoryLock
from tools.policy import stop_file

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

__all__ = ["ApprovalAnswer", "ApprovalRequest", "Approver", "Change", "Run", "resume", "start"]

T = TypeVar("T")
THREAD: RunnableConfig = {"configurable": {"thread_id": "run"}}
TICK = 0.1
"""Seconds between two looks at whether the graph has ended; bounds how late Ctrl-C is seen."""


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
        self._going = threading.Event()
        self._going.set()
        self._clock = Stopwatch()
        self._deps: Deps | None = None
        self._log: EventLog | None = None

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    def pause(self) -> None:
        """Hold the workflow at its next word; the time until `proceed` is not counted."""
        if not self.paused:
            self._going.clear()
            self._clock.stop()

    def proceed(self) -> None:
        """Go on after `pause`; else it does nothing."""
        if self.paused:
            self._clock.go()
            self._going.set()
            self._tell_budget()

    def extend(self, seconds: float) -> None:
        """Give the run more time; it may be called while the run goes on."""
        if self._deps is not None:
            self._deps.budget.extend(seconds)
            self._tell_budget()

    def _tell_budget(self) -> None:
        if self._deps is not None:
            self._events.put(BudgetChanged(seconds_left=self._deps.budget.seconds_left))

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
            self._log = stack.enter_context(closing(EventLog(self._home / home.EVENTS)))
            worker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="workflow"))
            deps = yield from self._watch(worker.submit(self._build, stack))
            self._deps = deps
            yield from self._walk(deps, worker, approve)

    def _build(self, stack: ExitStack) -> Deps:
        return build_deps(
            self.task,
            self.id,
            self._home,
            self._emit,
            self._cancelled,
            stack,
            self._host,
            self._clock,
        )

    def _emit(self, event: Event) -> None:
        """Holds the workflow at its next word while the run is paused, and ends it there once the
        run is cancelled, say during a request.
        """
        while not (self._going.wait(TICK) or self._cancelled.is_set()):
            continue
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
            yield self._logged(self._started(deps))

            def step(value: RunState | Command[Any] | None) -> dict[str, Any]:
                return graph.invoke(value, THREAD, context=deps, durability="sync")

            while True:
                result = yield from self._watch(worker.submit(step, value))
                asked = result.get("__interrupt__")
                if not asked:
                    return
                answer = self._ask(approve, _request(asked[0].value))
                value = Command(resume=asdict(answer))

    def _ask(self, approve: Approver, request: ApprovalRequest) -> ApprovalAnswer:
        """Waiting for a person costs the run nothing."""
        self._clock.stop()
        try:
            answer = approve(request)
        finally:
            self._clock.go()
        if self._cancelled.is_set():
            raise Cancelled("The run was interrupted.")
        self._tell_budget()
        return answer

    def _logged(self, event: Event) -> Event:
        if self._log is not None:
            self._log.write(event)
        return event

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
                    yield self._logged(self._events.get(timeout=TICK))
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
            seconds_spent=deps.budget.seconds_spent,
            model=self.task.model,
        )


def _request(asked: Mapping[str, Any]) -> ApprovalRequest:
    """From the plain values that a checkpoint holds."""
    changes = tuple(Change(**{**one, "what": tuple(one["what"])}) for one in asked["changes"])
    return ApprovalRequest(
        files=tuple(asked["files"]),
        tree=asked["tree"],
        branch=asked["branch"],
        changes=changes,
        evidence=tuple(asked["evidence"]),
        risks=tuple(asked["risks"]),
        copy=asked["copy"],
        alternatives=tuple(Alternative(**one) for one in asked["alternatives"]),
        note=asked["note"],
    )


def start(task: Task, host: Host | None = None) -> Run:
    """A new run; nothing happens before its events are asked for.

    `host` is a model that several runs share; without it the run has the task's own. Raises
    Unusable for a path that no run can begin on: it leaves none behind.
    """
    require_repository(Path(task.path))
    run_id, directory = home.new_run(task)
    return Run(task, run_id, directory, resumed=False, host=host)


def resume(run_id: str) -> Run:
    """A run that was interrupted, from its last checkpoint; raises NoSuchRun."""
    task, directory = home.find_run(run_id)
    return Run(task, run_id, directory, resumed=True)
