"""The reduced sandbox: Landlock, seccomp and rlimits, for machines that forbid user namespaces.

It is weaker than bubblewrap, and says so (`level`): the program shares the process list and can
change modes and times of files it cannot open; no socket at all can be made, not even a local one.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tools.errors import SandboxUnavailable
from tools.removal import remove_tree
from tools.sandbox import seccomp
from tools.sandbox.backend import Backend
from tools.sandbox.base import Level, Limits
from tools.sandbox.limits import rlimits
from tools.sandbox.process import SupervisedProcess
from tools.sandbox.scope import SYSTEM_DIRECTORIES, SYSTEM_FILES, Scope, environment, scope_of

LAUNCHER = Path(__file__).with_name("launcher.py")
OLDEST_ABI = 3
"""Before it (Linux 6.2) a confined program could truncate any file."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
_MAKE_DEVICES = 1 << 6 | 1 << 11
_ALL_TCP = 1 << 0 | 1 << 1
_ALL_SCOPES = 1 << 0 | 1 << 1  # abstract UNIX sockets, signals
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PROCESS_FILES = tuple(
    f"/proc/{name}"
    for name in ("cpuinfo", "meminfo", "stat", "uptime", "loadavg", "version", "filesystems")
)


@cache
def abi() -> int:
    """The kernel's Landlock version, 0 if there is none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def _handled_files(version: int) -> int:
    return (1 << (16 if version >= 5 else 15)) - 1


class Launched(Backend):
    """Runs commands through `launcher.py`, which supervises them; confined or not."""

    name = "none"
    level: Level = "none"
    confined = False

    def _start(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None,
        writable: Sequence[Path],
        readable: Sequence[Path],
        limits: Limits,
    ) -> SupervisedProcess:
        scope = scope_of(argv, readable, writable, (env or {}).get("PATH"))
        private = tempfile.mkdtemp(prefix="locum-")
        specification = {
            "parent": os.getpid(),
            "cwd": str(cwd),
            "private": private,
            "rlimits": rlimits(limits),
            "landlock": _rules(scope, private) if self.confined else None,
            "seccomp": seccomp.program().hex() if self.confined else "",
        }
        return SupervisedProcess(
            [
                *(sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(specification), "--"),
                *scope.argv,
            ],
            env=environment(scope, {"HOME": private, **(env or {})}, temporary=private),
            limits=limits,
            end_signal=signal.SIGTERM,
            cleanup=lambda: remove_tree(private),
        )


class Landlock(Launched):
    """Landlock rules for files, TCP, abstract sockets and signals; seccomp forbids sockets."""

    name = "landlock"
    level: Level = "reduced"
    confined = True

    def __init__(self) -> None:
        if abi() < OLDEST_ABI:
            raise SandboxUnavailable(
                f"Landlock version {OLDEST_ABI} (Linux 6.2) or newer is needed, here is {abi()}."
            )
        if not seccomp.supported():
            raise SandboxUnavailable("There is no seccomp filter for this kind of processor.")


def _rules(scope: Scope, private: str) -> dict[str, Any]:
    version = abi()
    everything = _handled_files(version)
    write = everything & ~_MAKE_DEVICES & ~_DEVICE_CONTROL
    rights: dict[str, int] = dict.fromkeys(_DEVICES, _READ_FILE | _WRITE_FILE)
    rights |= dict.fromkeys((*SYSTEM_DIRECTORIES, *SYSTEM_FILES, *_PROCESS_FILES), _READ)
    rights |= dict.fromkeys(map(str, scope.readable), _READ)
    rights |= dict.fromkeys((*map(str, scope.writable), private), write)
    return {
        "size": 24 if version >= 6 else 16 if version >= 4 else 8,
        "handled": [everything, _ALL_TCP, _ALL_SCOPES],
        "rules": [
            [path, granted if Path(path).is_dir() else granted & _OF_FILES]
            for path, granted in rights.items()
        ],
    }
