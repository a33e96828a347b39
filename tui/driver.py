"""A run in a thread of its own; its events wait until the screen takes them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agent.events import Event

if TYPE_CHECKING:
    from agent.runner import ApprovalAnswer, ApprovalRequest, Run

Stamped = tuple[float, Event]
"""Unix seconds, and what happened then."""


@dataclass(frozen=True)
class Ended:
    """Why no more events come; `error` is one sentence, empty when all went well."""

    error: str = ""
    stopped: bool = False
    """Whether somebody stopped the run, which can be resumed then."""


class Source(Protocol):
    """Where a run screen's events come from."""

    events: deque[Stamped]
    ended: Ended | None


class Question:
    """An approval that the run waits for in its thread."""

    def __init__(self, request: ApprovalRequest) -> None:
        self.request = request
        self._answered = threading.Event()
        self._answer: ApprovalAnswer | None = None

    def answer(self, answer: ApprovalAnswer) -> None:
        """The first answer counts."""
        if not self._answered.is_set():
            self._answer = answer
            self._answered.set()

    def wait(self) -> ApprovalAnswer:
        self._answered.wait()
        assert self._answer is not None
        return self._answer


class Driver:
    """Starts with `start`; `ask` is called in the run's thread with each question."""

    def __init__(self, make: Callable[[], Run], ask: Callable[[Question], None]) -> None:
        """`make` is called in the run's thread: what it imports takes half a second."""
        self.events: deque[Stamped] = deque()
        self.ended: Ended | None = None
        self.run: Run | None = None
        self.approve_all = False
        self._make, self._ask = make, ask
        self._open: Question | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._go, name="run", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self.ended is None

    @property
    def paused(self) -> bool:
        return self.run is not None and self.run.paused

    def pause_or_proceed(self) -> bool:
        """Whether the run stands still now."""
        if self.run is None or not self.running:
            return False
        if self.run.paused:
            self.run.proceed()
        else:
            self.run.pause()
        return self.run.paused

    def cancel(self) -> None:
        """Stop at once; the run can be resumed."""
        from agent.runner import ApprovalAnswer

        self._stopped = True
        if self.run is not None and self.running:
            self.run.cancel()
        if self._open is not None:
            self._open.answer(ApprovalAnswer(False, "The run was interrupted."))

    def wait(self, seconds: float) -> None:
        """Until the thread has ended, at most so long."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _go(self) -> None:
        try:
            self.run = self._make()
            if self._stopped:
                self.ended = Ended("The run was stopped before it began.", stopped=True)
                return
            for event in self.run.events(self._approve):
                self.events.append((time.time(), event))
        except Exception as error:  # whatever it is, the screen says it
            self.ended = Ended(_sentence(error), stopped=self._stopped)
        else:
            self.ended = Ended()

    def _approve(self, request: ApprovalRequest) -> ApprovalAnswer:
        from agent.runner import ApprovalAnswer

        if self.approve_all:
            return ApprovalAnswer(True)
        self._open = Question(request)
        if self._stopped:
            return ApprovalAnswer(False, "The run was interrupted.")
        self._ask(self._open)
        try:
            return self._open.wait()
        finally:
            self._open = None


class Replay:
    """A run that was: all its events at once, as the log has them."""

    def __init__(self, events: Iterable[Stamped]) -> None:
        self.events: deque[Stamped] = deque(events)
        self.ended: Ended | None = Ended()

    @classmethod
    def of(cls, log: Path) -> Replay:
        from agent.eventlog import read

        return cls(read(log))


def _sentence(error: Exception) -> str:
    from agent.errors import AgentError
    from runtime.errors import RuntimeFailure
    from tools.errors import ToolsError

    if isinstance(error, (AgentError, RuntimeFailure, ToolsError)):
        return str(error)
    return f"Internal error ({type(error).__name__}: {error}); `agent --debug fix` shows where."
