"""The zygote's eye on one child: passes its events on, keeps its output, ends it in time."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from typing import Any

from . import reaper
from .channel import LineBuffer, write_all
from .child import Order

GRACE = 0.5
"""Seconds that the child has, past a limit, to end by itself and tell where it was."""
OUTPUT_LIMIT = 20000


class Watch:
    """What became of one child; complete when `until_it_ends` has returned."""

    def __init__(self, child: int, order: Order, events: int, output: int, replies: int) -> None:
        self._child = child
        self._order = order
        self._events = events
        self._output = output
        self._replies = replies
        self._lines = LineBuffer()
        self._tail = bytearray()
        self._running: dict[str, Any] | None = None
        self._status: int | None = None
        self.reported: set[str] = set()
        self.exit_code: int | None = None
        self.signal = 0
        self.session = False
        self.ended = False
        """The child came to its own end and said so."""
        self.interrupted = False
        """A test crashed or was killed: the rest of the tests can run in another child."""
        self.run_is_over = False
        self.culprit = ""
        """The test that crashed the child or had to be killed."""
        self.compiled: list[list[str]] = []
        self.starved = False
        """A test was stopped, and it may have been for want of the processor."""
        self.memory = 0
        """Bytes that the child held at its peak; 0 where it could not tell."""

    def until_it_ends(self) -> None:
        """Returns when all is known: the child said that it is done, or it is dead."""
        end = time.monotonic() + self._order.seconds + GRACE
        test_end = end
        while self._status is None and not self.ended:
            running = self._running
            now = time.monotonic()
            if now >= min(end, test_end):
                self.run_is_over = now >= end
                break
            patience = 0.5 if self._events >= 0 else 0.005
            if not self._read(min(patience, max(min(end, test_end) - now, 0))):
                self._poll()
            if self._running is not running:
                test_end = self._deadline()
        killed = self._status is None
        if self.ended:
            reaper.kill_group(self._child)
        else:
            self.clear_away()
        while self._read(0):
            continue
        self._conclude(killed)

    def clear_away(self) -> None:
        """Returns when the child and everything that it started are gone."""
        reaper.kill_descendants(self._child)

    def _deadline(self) -> float:
        limit = self._order.test_seconds
        if self._running is None or limit is None:
            return float("inf")
        # Set-up, call and teardown have the limit each.
        return time.monotonic() + limit * 1.25 + 1.0 + GRACE

    def _read(self, timeout: float) -> bool:
        """Whether there was anything to read."""
        watched = [fd for fd in (self._events, self._output) if fd >= 0]
        if not watched:
            time.sleep(min(timeout, 0.005))
            return False
        ready, _, _ = select.select(watched, [], [], timeout)
        some = False
        for descriptor in ready:
            data = os.read(descriptor, 1 << 16)
            some = some or bool(data)
            if not data:
                self._forget(descriptor)
            elif descriptor == self._output:
                self._tail += data
                del self._tail[:-OUTPUT_LIMIT]
            else:
                self._take(data)
        return some

    def _forget(self, descriptor: int) -> None:
        if descriptor == self._events:
            self._events = -1
            self._poll()
        else:
            self._output = -1

    def _poll(self) -> None:
        if self._status is not None:
            return
        try:
            process, status = os.waitpid(self._child, os.WNOHANG)
        except ChildProcessError:
            return  # killed and reaped
        if process:
            self._status = status

    def _take(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            try:
                event = json.loads(line)
                self._note(event)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # not ours: a test found the pipe and wrote to it
            write_all(self._replies, b"c" + line + b"\n")

    def _note(self, event: dict[str, Any]) -> None:
        kind = event["e"]
        if kind == "started":
            self._running = {"id": event["id"], "path": event["path"]}
        elif kind == "result":
            self.reported.add(event["id"])
            self._running = None
        elif kind == "compiled":
            self.compiled = [[str(path) for path in paths] for paths in event["paths"]]
        elif kind == "exit":
            self.ended = True
            self.exit_code = int(event["code"])
            self.session = bool(event["session"])
            self.run_is_over = bool(event["timed_out"])
            self.starved = bool(event["starved"])
            self.memory = int(event["memory"])

    def _conclude(self, killed: bool) -> None:
        if self._status is not None and not killed:
            if os.WIFSIGNALED(self._status):
                self.signal = os.WTERMSIG(self._status)
            elif not self.ended:
                self.exit_code = os.WEXITSTATUS(self._status)
        if self.ended:
            return
        self.starved = killed
        self.interrupted = self._running is not None
        if self._running is None:
            return
        self.culprit = self._running["id"]
        self.reported.add(self.culprit)
        if killed:
            limit = self._order.seconds if self.run_is_over else self._order.test_seconds
            text = "TestTimeout: still running after %.3g seconds" % (limit or 0)
            outcome = "failed"
        elif self.signal:
            text = "crashed the interpreter: " + signal.Signals(self.signal).name
            outcome = "error"
        else:
            text = "ended the interpreter with exit status %s" % self.exit_code
            outcome = "error"
        fields = dict(self._running, e="result", outcome=outcome, message=text)
        write_all(self._replies, b"z" + json.dumps(fields).encode() + b"\n")

    def output_text(self) -> str:
        """The tail of what the child wrote to stdout and stderr."""
        return bytes(self._tail).decode("utf-8", "replace")

    def refusal(self) -> str:
        """The line of the output that says why pytest did not start."""
        lines = [line.strip() for line in self.output_text().splitlines() if line.strip()]
        telling = [line for line in lines if "error:" in line.lower()]
        return (telling or lines or [""])[-1][:200]
