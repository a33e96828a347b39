"""Runs the long steps of the set-up: shows that they live and how far they are, keeps a log."""

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

PIP_OPTIONS = ("--no-input", "--disable-pip-version-check", "--retries", "2", "--progress-bar=off")

# What pip prints when it cannot reach its index; anything else is a failure of its own.
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Failed to establish a new connection|"
    r"Temporary failure in name resolution|Network is unreachable|ConnectTimeoutError|"
    r"Connection refused|ReadTimeoutError|ProxyError|Could not find a version that satisfies|"
    r"Connection to .* timed out|No route to host|Connection broken|IncompleteRead"
)


class StepFailed(Exception):
    """A step ended with an error; ``str()`` is one sentence with the remedy."""


class Counter:
    """Reads progress out of a program's lines: `count of total`, or whatever the line says."""

    def __init__(self, pattern: str, total: int = 0) -> None:
        self._pattern = re.compile(pattern)
        self._total = total
        self._count = 0

    def feed(self, line: str) -> None:
        """Take one line; a pattern with groups `done` and `all` overrides the counting."""
        match = self._pattern.search(line)
        if match is None:
            return
        named = match.groupdict()
        self._count = int(named["done"]) if "done" in named else self._count + 1
        self._total = int(named["all"]) if "all" in named else self._total

    def __str__(self) -> str:
        if not self._count or not self._total:
            return ""
        count = min(self._count, self._total)
        return f", {count} of {self._total} ({100 * count // self._total} %)"


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what would make pip look at, or install into, another Python."""
    drop = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    return {**kept, "PYTHONUNBUFFERED": "1", **(extra or {})}


def run(
    argv: list[str],
    label: str,
    log: Path,
    *,
    counter: Counter | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a program to its end; raises StepFailed with a sentence that tells what to do."""
    started = time.monotonic()
    lines: Lines = queue.SimpleQueue()
    with (
        log.open("a") as out,
        subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=clean_env(env),
        ) as process,
    ):
        assert process.stdout is not None
        threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
        said = _follow(lines, out, Display(label, started), counter)
    if process.returncode:
        raise StepFailed(_explain(label, said, log))


Lines = queue.SimpleQueue[str | None]
"""What a program printed, line by line; None at the end."""


def _pump(source: IO[str], lines: Lines) -> None:
    for line in source:
        lines.put(line)
    lines.put(None)


def _follow(
    lines: Lines,
    out: IO[str],
    display: "Display",
    counter: Counter | None,
) -> list[str]:
    """Log every line and keep the display alive until the program closes its output."""
    said: list[str] = []
    while True:
        try:
            line = lines.get(timeout=0.5)
        except queue.Empty:
            display.show(counter)
            continue
        if line is None:
            display.finish()
            return said
        out.write(line)
        out.flush()
        said.append(line)
        if counter is not None:
            counter.feed(line)
        display.show(counter)


class Display:
    """One line that is rewritten in a terminal; elsewhere a new line every ten seconds."""

    def __init__(self, label: str, started: float) -> None:
        self._label = label
        self._started = started
        self._terminal = sys.stdout.isatty()
        self._every = 0.2 if self._terminal else 10.0
        self._shown = started if self._terminal else started - self._every + 1

    def show(self, counter: Counter | None) -> None:
        """Say how far the step is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < self._every or now - self._started < 1:
            return
        self._shown = now
        self._write(f"setup: {self._label}{counter or ''}, {duration(now - self._started)}", False)

    def finish(self) -> None:
        """Leave one last line, if the step took long enough to be noticed."""
        took = time.monotonic() - self._started
        if took >= 1:
            self._write(f"setup: {self._label}: {duration(took)}", True)

    def _write(self, text: str, last: bool) -> None:
        ending = "\n" if last or not self._terminal else ""
        start = "\r\x1b[K" if self._terminal else ""
        print(f"{start}{text}", end=ending, flush=True)


def duration(seconds: float) -> str:
    """`7 s` or `3 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _explain(label: str, said: list[str], log: Path) -> str:
    text = "".join(said)
    if "No space left on device" in text:
        return f"{label} failed because the disk is full; free some space and run it again."
    if NO_NETWORK.search(text):
        return (
            f"{label} failed because the package registry cannot be reached; connect to the "
            "network (or set PIP_INDEX_URL to a mirror) and run it again."
        )
    last = next((line.strip() for line in reversed(said) if "error" in line.lower()), "")
    return f"{label} failed{f' ({last[:200]})' if last else ''}; the whole output is in {log}."
