"""Searching the workspace's text for a literal or a regular expression."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tools.beneath import Root
from tools.errors import RefusedPath, ToolsError
from tools.files import list_files
from tools.text import one_line

MOST_MATCHES = 200
LONGEST_PATTERN = 500
_MOST_BYTES_OF_FILE = 1024 * 1024
_MOST_BYTES = 64 * 1024 * 1024
_SECONDS = 5.0
_DEPTH = 20

# A regular expression can take for ever and cannot be interrupted inside this process.
_MATCHER = """
import json, re, sys
task = json.load(sys.stdin)
pattern = re.compile(task["pattern"])
found = []
for path, text in task["files"]:
    for number, line in enumerate(text.split("\\n"), 1):
        if pattern.search(line):
            found.append([path, number, line[:500]])
            if len(found) >= task["most"]:
                break
    if len(found) >= task["most"]:
        break
json.dump(found, sys.stdout)
"""


@dataclass(frozen=True)
class Match:
    path: str
    line: int
    text: str
    """The line as one printable line, shortened."""


def search(root: Root, pattern: str, *, path: str = "", regex: bool = False) -> tuple[Match, ...]:
    """Lines that hold `pattern`, in the order of paths, at most `MOST_MATCHES`.

    Binary files, and files over 1 MB, are passed over. Raises `ToolsError` for a pattern that is
    empty, too long, no regular expression, or takes longer than 5 seconds.
    """
    if not pattern or len(pattern) > LONGEST_PATTERN or "\n" in pattern:
        raise ToolsError(f"A pattern has 1 to {LONGEST_PATTERN} characters on one line.")
    files = _texts(root, path, time.monotonic() + _SECONDS)
    found = _matching(files, pattern) if regex else _containing(files, pattern)
    return tuple(Match(where, number, one_line(line, 300)) for where, number, line in found)


def _texts(root: Root, path: str, deadline: float) -> Iterator[tuple[str, str]]:
    total = 0
    for name in _names(root, path):
        if time.monotonic() > deadline or total > _MOST_BYTES:
            return
        try:
            data = root.read(name, _MOST_BYTES_OF_FILE + 1)
        except (RefusedPath, OSError):  # a link or FIFO, or gone since it was listed
            continue
        if len(data) <= _MOST_BYTES_OF_FILE and b"\0" not in data:
            total += len(data)
            yield name, data.decode(errors="replace")


def _names(root: Root, path: str) -> list[str]:
    try:
        listing = list_files(root, path, _DEPTH)
    except NotADirectoryError:
        return [path]
    return [name for name in listing.entries if not name.endswith("/")]


def _containing(files: Iterator[tuple[str, str]], needle: str) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    for path, text in files:
        if needle not in text:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if needle in line:
                found.append((path, number, line))
                if len(found) >= MOST_MATCHES:
                    return found
    return found


def _matching(files: Iterator[tuple[str, str]], pattern: str) -> list[tuple[str, int, str]]:
    task = {"pattern": pattern, "files": list(files), "most": MOST_MATCHES}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MATCHER],
            input=json.dumps(task).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolsError("The regular expression took too long; search for plain text.") from error
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ToolsError(f"The regular expression cannot be used: {one_line(reason)}.")
    return [(path, number, line) for path, number, line in json.loads(done.stdout)]
