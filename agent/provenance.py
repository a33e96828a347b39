"""Where the text of a prompt comes from: which lines of which file, or which tool call.

Prompts are put together in many places, so each piece is recognised when the prompt is sent: what
was read of the repository is remembered line by line, and the prompt's lines are looked up.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.report import TestReport

MOST_SOURCES = 200
"""Files and tool calls that are remembered; the least recently read are forgotten."""
_STARTS_TRIED = 8
_SHORTEST = 6
"""Characters of a test's message that is recognised inside a line."""
_NUMBERED = re.compile(r"^\d+: ?")


@dataclass(frozen=True)
class _Source:
    """Some text that was read: what to call it, and where each of its lines stands."""

    name: dict[str, Any]
    places: Mapping[str, Sequence[int]]
    lines: Sequence[str]


class Provenance:
    """Remembers what was read, and tells what a prompt is made of. Several threads may read."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sources: OrderedDict[tuple[str, str], _Source] = OrderedDict()
        self._messages: OrderedDict[str, int] = OrderedDict()

    def file(self, path: str, text: str, call: int = 0, first: int = 1) -> None:
        """Lines of a file, from line `first` on; `call` is the tool call that read them, if any."""
        name: dict[str, Any] = {"file": path, **({"call": call} if call else {})}
        self._remember(("file", f"{path}\0{first}"), name, text, first)

    def tool(self, call: int, tool: str, text: str) -> None:
        """What a tool call answered."""
        self._remember(("call", str(call)), {"tool": tool, "call": call}, text, 1)

    def tests(self, call: int, report: TestReport) -> None:
        """What failing tests said in the run that is tool call `call`."""
        told = [part for test in report.failing[:50] for part in (test.message, test.traceback)]
        with self._lock:
            self.tool(call, "run_tests", "\n".join(told))
            for test in report.failing[:50]:
                if len(test.message) >= _SHORTEST:
                    self._messages[test.message] = call
                    self._messages.move_to_end(test.message)
            while len(self._messages) > MOST_SOURCES:
                self._messages.popitem(last=False)

    def issue(self, text: str) -> None:
        """The bug report that the run goes by."""
        if text:
            self._remember(("issue", ""), {"issue": True}, text, 1)

    def pieces(self, text: str) -> list[dict[str, Any]]:
        """What `text` is made of, in order: each piece with its source, lines and SHA-256.

        Lines that were read nowhere are ours (`"ours": True`) or the model's own.
        """
        lines = [_NUMBERED.sub("", line).strip() for line in text.split("\n")]
        with self._lock:
            return self._found(lines)

    def _found(self, lines: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        ours: list[str] = []
        at = 0
        while at < len(lines):
            source, place, length = self._longest(lines, at)
            if source is None:
                told = self._message(lines[at])
                if told:
                    _flush(found, ours)
                    found.append({"tool": "run_tests", "call": told} | _lines(lines, at, 1))
                else:
                    ours.append(lines[at])
                at += 1
                continue
            _flush(found, ours)
            where = {"first": place, "last": place + length - 1} if "file" in source.name else {}
            found.append(source.name | where | _lines(lines, at, length))
            at += length
        _flush(found, ours)
        return found

    def _remember(self, key: tuple[str, str], name: dict[str, Any], text: str, first: int) -> None:
        lines = [line.strip() for line in text.split("\n")]
        with self._lock:
            self._keep(key, name, lines, first)

    def _keep(
        self, key: tuple[str, str], name: dict[str, Any], lines: list[str], first: int
    ) -> None:
        known = self._sources.get(key)
        if known is None or known.lines != lines or known.name != name:
            places: defaultdict[str, list[int]] = defaultdict(list)
            for number, line in enumerate(lines, first):
                if line and len(places[line]) < _STARTS_TRIED:
                    places[line].append(number)
            self._sources[key] = _Source(name | {"from": first}, places, lines)
        self._sources.move_to_end(key)
        while len(self._sources) > MOST_SOURCES:
            self._sources.popitem(last=False)

    def _longest(self, lines: Sequence[str], at: int) -> tuple[_Source | None, int, int]:
        """The source that most lines from `at` on stand in together, files before answers."""
        best: tuple[_Source | None, int, int] = (None, 0, 0)
        if not lines[at]:
            return best
        for source in reversed(self._sources.values()):
            for place in source.places.get(lines[at], ()):
                start = place - source.name["from"]
                length = _run(lines, at, source.lines, start)
                better = length > best[2] or (
                    length == best[2] and "file" in source.name and "file" not in _name(best[0])
                )
                if better:
                    best = (source, place, length)
        return best

    def _message(self, line: str) -> int:
        if len(line) < _SHORTEST:
            return 0
        return next((call for message, call in self._messages.items() if message in line), 0)


def _name(source: _Source | None) -> Mapping[str, Any]:
    return source.name if source else {}


def _run(lines: Sequence[str], at: int, source: Sequence[str], start: int) -> int:
    """How many lines are the same from these two places on; blank ones at the end do not count."""
    length = full = 0
    while (
        at + length < len(lines)
        and start + length < len(source)
        and lines[at + length] == source[start + length]
    ):
        length += 1
        if lines[at + length - 1]:
            full = length
    return full


def _lines(lines: Sequence[str], at: int, length: int) -> dict[str, Any]:
    text = "\n".join(lines[at : at + length])
    return {"lines": length, "sha256": hashlib.sha256(_bytes(text)).hexdigest()}


def _flush(found: list[dict[str, Any]], ours: list[str]) -> None:
    if any(ours):
        found.append({"ours": True} | _lines(ours, 0, len(ours)))
    ours.clear()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
