"""End a child with everything that it started, daemons and fork bombs included."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end (Linux), to find them again."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (OSError, AttributeError):
            return  # then orphans live until the sandbox ends


def kill_group(child: int) -> None:
    """Kill the child and its process group, without waiting for their end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # unless it is gone or never got a group
    _signal(child, signal.SIGKILL)


def kill_descendants(child: int) -> None:
    """Kill the child's process group, then all descendants of this process; reap them."""
    kill_group(child)
    while _reap():
        stopped: set[int] = set()
        while True:
            # Stopped processes do not fork, so stopping until none is new comes to an end.
            new = _descendants() - stopped
            for process in new:
                _signal(process, signal.SIGSTOP)
            stopped |= new
            if not new:
                break
        for process in stopped:
            _signal(process, signal.SIGKILL)


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return


def _reap() -> bool:
    """Wait a moment for killed children to end; whether any child is left.

    Orphans become children of this process, so that no child means no descendant.
    """
    try:
        for _ in range(50):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
            time.sleep(0.0005)
    except ChildProcessError:
        return False
    return True


def _descendants() -> set[int]:
    """Living descendants of this process, by the parents that /proc tells; none elsewhere."""
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
