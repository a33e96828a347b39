"""What a raised exception tells: its last line, and the frames inside the repository."""

from __future__ import annotations

import inspect
import re
import reprlib
import traceback
from types import FrameType, TracebackType
from typing import Any, Iterator, Sequence

from .repository import Repository

TRACEBACK_LIMIT = 4000
MESSAGE_LIMIT = 400
FRAME_LIMIT = 24
LOCALS_LIMIT = 16
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class TestTimeout(BaseException):
    """A test ran past its time limit.

    Not an `Exception`, so that the code under test does not handle it by mistake.
    """

    __test__ = False


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = 120
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 8


_SHORT = _Short()


def short(value: object) -> str:
    """A repr of at most 120 characters, without addresses; code of the repository may run."""
    try:
        text = _SHORT.repr(value)
    except TestTimeout:
        raise
    except BaseException as error:  # a repr of the repository can raise anything
        return "<%s, its repr raised %s>" % (type(value).__name__, type(error).__name__)
    text = _ADDRESS.sub("", text)
    return text if len(text) <= 120 else text[:117] + "..."


def message(error: BaseException) -> str:
    """Type and first line of the text, as the last line of a printed traceback has them."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__", "_pytest.outcomes", __name__):
        name = kind.__module__ + "." + name
    try:
        lines = [line for line in str(error).splitlines() if line.strip()]
    except Exception as inner:  # the exception's own __str__ is code of the repository
        lines = ["<its text raised %s>" % type(inner).__name__]
    text = name + (": " + lines[0].strip() if lines else "")
    return _ADDRESS.sub("", text)[:MESSAGE_LIMIT]


def clip(text: str) -> str:
    """At most `TRACEBACK_LIMIT` characters: the start, and more of the end."""
    text = _ADDRESS.sub("", text)
    if len(text) <= TRACEBACK_LIMIT:
        return text
    head = 1000
    return text[:head] + "\n[...]\n" + text[-(TRACEBACK_LIMIT - head - 7) :]


def frames(error: BaseException, repository: Repository) -> list[dict[str, Any]]:
    """Frames inside the repository, outermost first; those of a cause follow their effect's."""
    found: list[dict[str, Any]] = []
    seen = set()
    for link in _chain(error):
        for frame in _frames_of(link, repository):
            place = (frame["path"], frame["line"], frame["function"])
            if place not in seen:
                seen.add(place)
                found.append(frame)
    if len(found) > FRAME_LIMIT:
        found = found[:4] + found[4 - FRAME_LIMIT :]
    return found


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    visited: set[int] = set()
    while link is not None and id(link) not in visited and len(visited) < 10:
        visited.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _frames_of(error: BaseException, repository: Repository) -> Iterator[dict[str, Any]]:
    trace: TracebackType | None = error.__traceback__
    steps = 0
    while trace is not None and steps < 5000:
        path = repository.relative(trace.tb_frame.f_code.co_filename)
        if path is not None:
            yield {
                "path": path,
                "line": trace.tb_lineno,
                "function": trace.tb_frame.f_code.co_name,
                # Deep recursion repeats its frames; their values are not worth the time.
                "local_values": _locals(trace.tb_frame) if steps < 200 else {},
            }
        trace = trace.tb_next
        steps += 1
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        path = repository.relative(error.filename)
        if path is not None:
            yield {
                "path": path,
                "line": error.lineno,
                "function": "<module>",
                "local_values": {},
            }


def _locals(frame: FrameType) -> dict[str, str]:
    values = {}
    for name, value in list(frame.f_locals.items()):
        # "@py_" names are temporaries of pytest's rewritten asserts.
        if name.startswith(("__", "@")) or inspect.ismodule(value):
            continue
        if inspect.isroutine(value) or inspect.isclass(value):
            continue
        values[name] = short(value)
        if len(values) == LOCALS_LIMIT:
            break
    return values


def plain_traceback(error: BaseException, skip: Sequence[str] = ()) -> str:
    """As the interpreter prints it, without the frames of files whose path holds a `skip`."""
    trace = error.__traceback__
    while trace is not None and any(s in trace.tb_frame.f_code.co_filename for s in skip):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
