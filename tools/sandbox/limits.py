"""Ceilings on what a sandboxed program uses: rlimits, output, processes."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.sandbox.base import Limits

_PROC = Path("/proc")


def prlimit() -> str | None:
    """The `prlimit` program of util-linux, or None."""
    return shutil.which("prlimit", path="/usr/bin:/bin:/usr/sbin:/sbin")


def prlimit_arguments(program: str, limits: Limits) -> list[str]:
    """The prefix that runs a command under `limits`.

    A program of its own and not `preexec_fn`: that one deadlocks now and then in a process with
    threads. It runs inside the sandbox, for RLIMIT_NPROC counts per user *and* user namespace:
    set outside, a desktop user's other processes would already exceed it.
    """
    return [
        program,
        *(f"--{name}={value}" for name, value in rlimits(limits).items()),
        "--",
    ]


def rlimits(limits: Limits) -> dict[str, int]:
    """The rlimits by their lower-case names, with no core dumps besides."""
    return {
        "cpu": limits.cpu_seconds,
        "as": limits.address_space,
        "fsize": limits.file_size,
        "nofile": limits.open_files,
        "nproc": limits.processes,
        "core": 0,
    }


class Capture:
    """Bytes of a stream, of which only the first and the last half of `limit` are kept."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._seen = 0

    def add(self, chunk: bytes) -> None:
        self._seen += len(chunk)
        room = self._half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 2 * self._half:  # cut rarely: moving the tail costs its length
            del self._tail[: -self._half]

    @property
    def truncated(self) -> bool:
        return self._seen > 2 * self._half

    def value(self) -> bytes:
        tail = bytes(self._tail[-self._half :])
        if not self.truncated:
            return bytes(self._head) + tail
        missing = self._seen - len(self._head) - len(tail)
        return bytes(self._head) + b"\n[%d bytes left out]\n" % missing + tail


def threads_on_machine() -> int:
    """How many threads the whole machine runs: one cheap read, 0 where it cannot be told."""
    try:
        return int((_PROC / "loadavg").read_text().split()[3].split("/")[1])
    except (OSError, IndexError, ValueError):
        return 0


def descendants(pid: int) -> dict[int, tuple[int, int]]:
    """All processes below `pid` as {pid: (threads, start time)}; empty without /proc."""
    children: dict[int, list[tuple[int, int, int]]] = {}
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and (fields := _stat(entry)) is not None:
            parent, threads, started = fields
            children.setdefault(parent, []).append((int(entry.name), threads, started))
    found: dict[int, tuple[int, int]] = {}
    pending = [pid]
    while pending:
        for child, threads, started in children.get(pending.pop(), ()):
            if child not in found:
                found[child] = (threads, started)
                pending.append(child)
    return found


def start_time(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot; None if it is not alive."""
    fields = _stat(_PROC / str(pid))
    return fields[2] if fields else None


def _stat(process: Path) -> tuple[int, int, int] | None:
    """(parent, threads, start time) of a live process; None if it ended or is a zombie."""
    try:
        # The name in parentheses may hold anything, so fields count from the last ')'.
        fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return int(fields[1]), int(fields[17]), int(fields[19])
