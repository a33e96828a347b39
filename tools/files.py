"""Listing and reading files beneath the workspace, within fixed limits."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass

from tools.beneath import Root, parse
from tools.copy import SKIPPED_DIRECTORIES
from tools.errors import RefusedPath, ToolsError
from tools.text import one_line

DEEPEST = 20
MOST_ENTRIES = 2_000
MOST_BYTES = 256 * 1024
"""Of text that one call returns."""
_SCANNED_BYTES = 32 * 1024 * 1024
_BINARY_PROBE = 8192


@dataclass(frozen=True)
class Listing:
    """Paths relative to the root, sorted, folders with a slash at their end."""

    entries: tuple[str, ...]
    truncated: bool = False
    """More than `MOST_ENTRIES` were there, or some lay deeper than asked for."""


@dataclass(frozen=True)
class FileText:
    """Part of a text file; lines count from one."""

    text: str
    first_line: int
    last_line: int
    size: int
    """Bytes of the whole file."""
    truncated: bool = False
    """Cut at `MOST_BYTES`."""


def list_files(root: Root, path: str = "", depth: int = 3) -> Listing:
    """What lies beneath `path`, at most `depth` (and `DEEPEST`) folders deep.

    Links are listed, never followed. Raises `RefusedPath` and `OSError`.
    """
    start = parse(path)
    found: list[str] = []
    truncated = False
    pending = [(start, min(depth, DEEPEST))]
    while pending and len(found) <= MOST_ENTRIES:
        folder, left = pending.pop()
        for name, is_folder in _entries(root, folder):
            below = f"{folder}/{name}" if folder else name
            found.append(below + "/" if is_folder else below)
            if is_folder and left > 1:
                pending.append((below, left - 1))
            elif is_folder:
                truncated = True
            if len(found) > MOST_ENTRIES:
                break
    truncated = truncated or len(found) > MOST_ENTRIES
    return Listing(tuple(sorted(found[:MOST_ENTRIES])), truncated)


def _entries(root: Root, folder: str) -> list[tuple[str, bool]]:
    with root.directory(folder) as descriptor:
        return sorted(
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in os.scandir(descriptor)
            if entry.name not in SKIPPED_DIRECTORIES and _readable(entry.name)
        )


def _readable(name: str) -> bool:
    """Whether a name can be given back as a path: no control characters, valid text."""
    try:
        parse(name)
    except RefusedPath:
        return False
    return True


def read_file(root: Root, path: str, first: int = 1, last: int | None = None) -> FileText:
    """Lines `first` to `last` of a text file; undecodable bytes become U+FFFD.

    Raises `RefusedPath` for links and what is no regular file, `ToolsError` for binary files
    and ranges beyond the end, `OSError` else.
    """
    data = root.read(path, _SCANNED_BYTES)
    found = root.stat(path)
    size = found.st_size if found else len(data)
    if b"\0" in data[:_BINARY_PROBE]:
        raise ToolsError(f"{one_line(path, 80)!r} is a binary file of {size:,} bytes.")
    # Not str.splitlines: form feeds and U+2028 end no line of code.
    lines = io.StringIO(data.decode(errors="replace"), newline="").readlines()
    if first > max(len(lines), 1):
        raise ToolsError(f"{one_line(path, 80)!r} has only {len(lines)} lines.")
    kept: list[str] = []
    room = MOST_BYTES
    truncated = False
    for line in lines[first - 1 : last]:
        if len(line) > room:
            kept.append(line[:room])
            truncated = True
            break
        kept.append(line)
        room -= len(line)
    end = first + len(kept) - 1
    return FileText("".join(kept), first, end, size, truncated or size > _SCANNED_BYTES)
