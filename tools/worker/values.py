"""What one function got, held and gave back while a test ran, for whoever has to mend it."""

from __future__ import annotations

import inspect
import sys
import threading
from types import FrameType
from typing import Any, Callable

from .failures import message, short
from .repository import Repository

_MOST = 20
"""Names that are looked at in one frame."""
_STAR, _DOUBLE_STAR = 0x04, 0x08  # inspect.CO_VARARGS, CO_VARKEYWORDS


class Call:
    """One call: its arguments as they came, and how it ended."""

    def __init__(self, frame: FrameType) -> None:
        names = _argument_names(frame)
        self.arguments = {n: v for n, v in _held(frame).items() if n.partition(".")[0] in names}
        self.returned = ""
        self.raised = ""


class Values:
    """Follows the function of this name that begins on lines `first` to `last` of one file.

    Only outermost calls are kept, of them the last ones, and the values that lines set of the
    very last one: a test fails at the last thing that it looks at. A context manager.
    """

    CALLS = 3
    STEPS = 2000
    """Lines that are followed of one call; a loop that runs on is not worth the time."""
    EACH = 3
    """Values that are kept of one name on one line, besides the last."""
    CHARACTERS = 3000
    """Of names and values of lines, all together."""

    def __init__(self, repository: Repository, wanted: dict[str, Any]) -> None:
        self._repository = repository
        self._path = wanted["path"]
        self._name = wanted["name"]
        self._span = range(wanted["first_line"], wanted["last_line"] + 1)
        self._count = 0
        self._calls: list[Call] = []
        self._lines: dict[int, dict[str, list[str]]] = {}
        self._frame: FrameType | None = None
        self._running = False
        self._before: dict[str, str] = {}
        self._line = 0
        self._steps = 0

    def __enter__(self) -> Values:
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)
        self._frame = None

    def told(self) -> dict[str, Any]:
        """The fields of the event that reports it."""
        room = self.CHARACTERS
        lines: list[list[Any]] = []
        for number in sorted(self._lines):
            for name, values in self._lines[number].items():
                text = ", ".join(values)
                room -= len(name) + len(text)
                if room >= 0:
                    lines.append([number, name, text])
        calls = [vars(call) for call in self._calls]
        return {"count": self._count, "calls": calls, "lines": lines}

    def _enter(self, frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if code.co_name != self._name or code.co_firstlineno not in self._span:
            return None
        if self._repository.relative(code.co_filename) != self._path:
            return None
        if frame is self._frame:
            self._running = True  # a generator goes on
            return self._follow
        self._count += 1
        if self._running:
            return None
        self._begin(frame)
        return self._follow

    def _begin(self, frame: FrameType) -> None:
        self._frame, self._running = frame, True
        self._calls = [*self._calls[-(self.CALLS - 1) :], Call(frame)]
        self._lines, self._steps = {}, 0
        self._before, self._line = _held(frame), frame.f_lineno

    def _follow(self, frame: FrameType, event: str, arg: Any) -> Any:
        call = self._calls[-1]
        if event == "line":
            call.raised = ""
            self._step(frame)
        elif event == "exception":
            call.raised = message(arg[1]) if arg[1] is not None else arg[0].__name__
        elif event == "return":
            self._step(frame)
            self._running = False
            call.returned = "" if call.raised else short(arg)
        return self._follow

    def _step(self, frame: FrameType) -> None:
        """Note what has changed since the line before."""
        self._steps += 1
        if self._steps > self.STEPS:
            frame.f_trace_lines = False
            return
        now = _held(frame)
        for name, value in now.items():
            if self._before.get(name) != value:
                values = self._lines.setdefault(self._line, {}).setdefault(name, [])
                _add(values, value, self.EACH)
        self._before, self._line = now, frame.f_lineno


def _add(values: list[str], value: str, most: int) -> None:
    """The first few and the last, with dots between them."""
    if len(values) < most:
        values.append(value)
    elif len(values) == most:
        values += ["…", value]
    else:
        values[-1] = value


def _argument_names(frame: FrameType) -> tuple[str, ...]:
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _STAR) + bool(code.co_flags & _DOUBLE_STAR)
    return code.co_varnames[:count]


def _held(frame: FrameType) -> dict[str, str]:
    """Short forms of the frame's values; of an object that has none, those of its attributes."""
    held: dict[str, str] = {}
    for name, value in list(frame.f_locals.items()):
        if name.startswith(("__", "@", ".")) or inspect.ismodule(value):
            continue
        plain = getattr(type(value), "__repr__", None) is object.__repr__
        parts = getattr(value, "__dict__", None) if plain else None
        if isinstance(parts, dict):
            for part, inner in list(parts.items())[:_MOST]:
                held["%s.%s" % (name, part)] = short(inner)
        else:
            held[name] = short(value)
        if len(held) >= _MOST:
            break
    return held
