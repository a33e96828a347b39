"""Which lines of the repository run, kept apart by context (import, fixture, test)."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import defaultdict
from types import CodeType, FrameType
from typing import Any, Callable, DefaultDict, Iterator, Set

from .repository import Repository

Lines = DefaultDict[str, Set[int]]
_FUNCTION = 0x01  # inspect.CO_OPTIMIZED: a function's body, not a module's or a class's


def no_lines() -> Lines:
    return defaultdict(set)


def ranges(lines: Lines) -> dict[str, list[int]]:
    """By path: first and last line of every run of neighbouring lines, flat."""
    packed = {}
    for path, numbers in lines.items():
        flat: list[int] = []
        for number in sorted(numbers):
            if flat and flat[-1] == number - 1:
                flat[-1] = number
            else:
                flat += [number, number]
        if flat:
            packed[path] = flat
    return packed


class LineRecorder:
    """Base of the two ways of recording; `current` receives what functions run.

    Code outside functions runs once, when its file is imported, whatever test happens to be the
    first to import it: those lines go to `imported`.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.imported: Lines = no_lines()
        self.current: Lines = self.imported

    @contextlib.contextmanager
    def into(self, lines: Lines) -> Iterator[None]:
        """Record into `lines` for a while."""
        before = self.current
        self.current = lines
        self._switched()
        try:
            yield
        finally:
            self.current = before
            self._switched()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def _switched(self) -> None:
        """Called when `current` has changed."""

    def _target(self, code: CodeType, path: str) -> set[int]:
        lines = self.current if code.co_flags & _FUNCTION else self.imported
        return lines[path]


class TracingRecorder(LineRecorder):
    """By `sys.settrace`: every Python, some ten times slower inside the repository's files."""

    STALE = 20000
    """Line events of one call without a new line, after which that call is traced no more."""

    _running = False

    def start(self) -> None:
        self._running = True
        threading.settrace(self._call)
        sys.settrace(self._call)

    def stop(self) -> None:
        self._running = False
        sys.settrace(None)
        threading.settrace(None)

    def _switched(self) -> None:
        # A test that recurses to the limit ends the tracing: the function that traces raises
        # there, and Python takes away one that does. Other tests set a function of their own.
        if self._running and sys.gettrace() != self._call:
            sys.settrace(self._call)

    def _call(self, frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        path = self._repository.relative(code.co_filename)
        if path is None:
            return None
        lines = self._target(code, path)
        stale = 0

        def local(frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal stale
            if event == "line":
                number = frame.f_lineno
                if number not in lines:
                    lines.add(number)
                else:
                    stale += 1
                    if stale > self.STALE:
                        frame.f_trace_lines = False
            return local

        return local


class MonitoringRecorder(LineRecorder):
    """By `sys.monitoring` (Python 3.12): each line costs once per context, then nothing."""

    def start(self) -> None:
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        self._monitoring = monitoring
        self._tool = next(n for n in (1, 3, 4, 2) if monitoring.get_tool(n) is None)
        monitoring.use_tool_id(self._tool, "locum")
        events = monitoring.events
        monitoring.register_callback(self._tool, events.PY_START, self._entered)
        monitoring.register_callback(self._tool, events.LINE, self._line)
        monitoring.set_events(self._tool, events.PY_START)

    def stop(self) -> None:
        self._monitoring.set_events(self._tool, 0)
        self._monitoring.free_tool_id(self._tool)

    def _switched(self) -> None:
        self._monitoring.restart_events()

    def _entered(self, code: CodeType, _offset: int) -> Any:
        if self._repository.relative(code.co_filename) is not None:
            self._monitoring.set_local_events(self._tool, code, self._monitoring.events.LINE)
        return self._monitoring.DISABLE

    def _line(self, code: CodeType, number: int) -> Any:
        path = self._repository.relative(code.co_filename)
        if path is not None:
            self._target(code, path).add(number)
        return self._monitoring.DISABLE


def make_recorder(repository: Repository) -> LineRecorder:
    """The cheapest way that this interpreter has."""
    if hasattr(sys, "monitoring"):
        return MonitoringRecorder(repository)
    return TracingRecorder(repository)
