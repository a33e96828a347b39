"""The worker's events put together to a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.report import CallSeen, Frame, Outcome, TestReport, TestResult, Watched
from tools.text import one_line, strip_control

Progress = Callable[[int, int], None]
_TEXT_LIMIT = 4000
_VALUE_LIMIT = 500


class Collector:
    """Takes the lines of one run as they come; `report` makes the whole of it.

    Lines of the forked child may have been written by a test: whatever does not fit is dropped.
    """

    def __init__(self, selection: Sequence[str] | None, on_progress: Progress | None) -> None:
        self._selection = selection
        self._on_progress = on_progress
        self._results: dict[str, TestResult] = {}
        self._collected = 0
        self._import_lines: dict[str, tuple[int, ...]] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._problem = ""
        self._watched: Watched | None = None
        self._end: dict[str, Any] | None = None
        self.modules: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        return self._end is not None

    def take(self, line: bytes) -> dict[str, Any]:
        """One line; returns the event, empty if it was none."""
        try:
            event = json.loads(line[1:])
            if line[:1] == b"z" and event["e"] == "end":
                self._end = event
            else:
                self._note(event)
        except (ValueError, KeyError, TypeError, AttributeError):  # pydantic's is a ValueError
            return {}
        return dict(event)

    def _note(self, event: Mapping[str, Any]) -> None:
        kind = event["e"]
        if kind == "collected":
            self._collected = max(self._collected, len(self._results) + int(event["n"]))
            self._tell()
        elif kind == "result":
            result = _result(event)
            self._results[result.id] = result
            self._tell()
        elif kind == "imports":
            self._import_lines.update(_lines(event["lines"]))
            self._imports.update({str(k): tuple(map(str, v)) for k, v in event["files"].items()})
        elif kind == "modules":
            self.modules = tuple(map(str, event["names"]))
        elif kind == "values":
            self._watched = _watched(event)
        elif kind == "problem":
            self._problem = one_line(event["text"], 300)

    def _tell(self) -> None:
        if self._on_progress is not None:
            done = len(self._results)
            self._on_progress(done, max(self._collected, done))

    def report(self, seconds: float, worker_died: str = "") -> TestReport:
        """What is known now; `worker_died` says why the worker is gone, if it is."""
        end = self._end or {}
        results = tuple(self._results.values())
        timed_out = bool(end.get("timed_out"))
        return TestReport(
            results=results,
            exit_code=end.get("code"),
            timed_out=timed_out,
            collected=max(self._collected, len(results)),
            seconds=seconds,
            output=strip_control(str(end.get("output", "")))[-_TEXT_LIMIT:],
            problem=worker_died or self._find_problem(end),
            notes=tuple(one_line(str(note), 300) for note in end.get("notes", ())),
            import_lines=self._import_lines,
            imports=self._imports,
            watched=self._watched,
            starved=bool(end.get("starved")),
            memory=int(end.get("memory") or 0),
        )

    def _find_problem(self, end: Mapping[str, Any]) -> str:
        culprit = one_line(str(end.get("culprit") or ""), 200)
        if end.get("timed_out"):
            hung = culprit or next((r.id for r in self._results.values() if r.hung), "")
            where = f" while {one_line(hung, 200)} ran" if hung else ""
            return f"The test run was stopped at its time limit{where}."
        if self._problem:
            return self._problem
        if not end.get("ended"):
            if not culprit:
                return "The test process ended before its tests did."
            result = self._results.get(culprit)
            what = result.message if result else "ended the test process"
            rest = max(self._collected - len(self._results), 0)
            return f"{culprit}: {what}{f'; {rest} tests did not run' if rest else ''}."
        if not self._results:
            return self._nothing_ran(int(end.get("code") or 0), str(end.get("output", "")))
        missing = [i for i in self._selection or () if not self._is_reported(i)]
        if missing and not self._is_cut_short():
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            return f"Selected but not found: {one_line(missing[0], 200)}{more}."
        return ""

    def _is_cut_short(self) -> bool:
        return any(r.outcome in (Outcome.FAILED, Outcome.ERROR) for r in self._results.values())

    def _is_reported(self, wanted: str) -> bool:
        if wanted in self._results:
            return True
        return any(i.startswith(wanted) for i in self._results)

    @staticmethod
    def _nothing_ran(code: int, output: str) -> str:
        if code == 5 or code == 0:
            return "No tests were collected."
        lines = [line for line in strip_control(output).splitlines() if line.strip()]
        return f"No test ran: {one_line(lines[-1], 200)}" if lines else "No test ran."


def _result(event: Mapping[str, Any]) -> TestResult:
    return TestResult(
        id=str(event["id"]),
        outcome=Outcome(event["outcome"]),
        seconds=float(event.get("seconds", 0)),
        message=one_line(str(event.get("message", "")), 400),
        traceback=strip_control(str(event.get("traceback", "")))[:_TEXT_LIMIT],
        frames=tuple(_frame(frame) for frame in event.get("frames", ())),
        path=str(event.get("path", "")),
        lines=_lines(event.get("lines", {})),
    )


def _frame(fields: Mapping[str, Any]) -> Frame:
    values = {str(k): strip_control(str(v))[:200] for k, v in fields["local_values"].items()}
    return Frame(
        path=str(fields["path"]),
        line=int(fields["line"]),
        function=str(fields["function"]),
        local_values=values,
    )


def _watched(fields: Mapping[str, Any]) -> Watched:
    calls = [
        CallSeen(
            arguments={str(k): _value(v) for k, v in call["arguments"].items()},
            returned=_value(call["returned"]),
            raised=_value(call["raised"]),
        )
        for call in fields["calls"]
    ]
    lines = [(int(line), _value(name), _value(text)) for line, name, text in fields["lines"]]
    return Watched(count=int(fields["count"]), calls=tuple(calls), lines=tuple(lines))


def _value(text: object) -> str:
    return one_line(str(text), _VALUE_LIMIT)


def _lines(packed: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """Lines by path from flat (first, last) pairs."""
    return {str(path): tuple(_spread(flat)) for path, flat in packed.items()}


def _spread(flat: Sequence[int]) -> list[int]:
    numbers: list[int] = []
    for first, last in zip(flat[::2], flat[1::2], strict=True):
        if last - first > 1_000_000:
            raise ValueError("no file has that many lines")
        numbers.extend(range(first, last + 1))
    return numbers
