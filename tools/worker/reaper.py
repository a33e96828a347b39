"""End a child with everything that it started, daemons and fork bombs included."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end (Linux), to find them again."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (OSError, AttributeError):
            return  # then orphans live until the sandbox ends


def kill_descendants(child: int) -> None:
    """Kill the child's process group, then all descendants of this process; reap them."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # unless it is gone or never got a group
    _signal(child, signal.SIGKILL)
    # Stopped processes do not fork, so stopping until none is new comes to an end.
    for _ in range(100):
        stopped: set[int] = set()
        while True:
            new = _descendants() - stopped
            if not new:
                break
            for process in new:
                _signal(process, signal.SIGSTOP)
            stopped |= new
        for process in stopped:
            _signal(process, signal.SIGKILL)
        _reap()
        if not stopped:
            return


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return


def _reap() -> bool:
    """Collect ended children; whether any child, ended or not, may be left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return False
    return True


def _descendants() -> set[int]:
    """Living descendants of this process, by the parents that /proc tells; none elsewhere."""
    if not _reap():
        return set()  # orphans would have become our children
    children: dict[int, list[int]] = {}
    try:
        entries = os.listdir("/proc")
    except OSError:
        return set()
    for entry in entries:
        parent = _living_parent(entry) if entry.isdigit() else 0
        if parent:
            children.setdefault(parent, []).append(int(entry))
    found: set[int] = set()
    todo = children.get(os.getpid(), [])
    while todo:
        process = todo.pop()
        if process not in found:
            found.add(process)
            todo.extend(children.get(process, ()))
    return found


def _living_parent(process: str) -> int:
    try:
        with open("/proc/" + process + "/stat", "rb") as file:
            # The name in parentheses may hold anything, parentheses too.
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return 0
    return 0 if state in (b"Z", b"X") else int(parent)
