"""The full sandbox: bubblewrap namespaces, seccomp and rlimits."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tools.errors import SandboxUnavailable
from tools.sandbox import seccomp
from tools.sandbox.backend import Backend
from tools.sandbox.base import Limits
from tools.sandbox.limits import prlimit, prlimit_arguments
from tools.sandbox.process import SupervisedProcess
from tools.sandbox.scope import (
    SYSTEM_DIRECTORIES,
    SYSTEM_FILES,
    SYSTEM_PATH,
    Scope,
    environment,
    home,
    scope_of,
)


class Bubblewrap(Backend):
    """Own user, PID, IPC, UTS, cgroup and network namespace; only what is needed is mounted.

    Sockets of the IP families stay possible: the network namespace holds nothing but a private
    loopback, which many test suites serve and call themselves on.
    """

    name = "bubblewrap"
    level = "full"

    def __init__(self) -> None:
        program, limiter = shutil.which("bwrap", path=SYSTEM_PATH), prlimit()
        if program is None:
            raise SandboxUnavailable("bubblewrap is not installed (package `bubblewrap`).")
        if limiter is None:
            raise SandboxUnavailable("prlimit is not installed (package `util-linux`).")
        if not seccomp.supported():
            raise SandboxUnavailable("There is no seccomp filter for this kind of processor.")
        self._program = program
        self._prlimit = limiter
        self._filter = seccomp.program(seccomp.LOCAL_FAMILIES)

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
        filter_fd = _pipe_holding(self._filter)
        try:
            return SupervisedProcess(
                [
                    self._program,
                    *_NAMESPACES,
                    *_system_mounts(),
                    *_private_mounts(limits),
                    *_granted_mounts(scope),
                    *("--remount-ro", "/", "--seccomp", str(filter_fd), "--chdir", str(cwd), "--"),
                    *prlimit_arguments(self._prlimit, limits),
                    *scope.argv,
                ],
                # bwrap itself runs with it: PID 1's environment is readable inside.
                env=environment(scope, {"HOME": str(home()), **(env or {})}, temporary="/tmp"),
                limits=limits,
                pass_fds=(filter_fd,),
                translate=_signal_from_status,
            )
        finally:
            os.close(filter_fd)


_NAMESPACES = (
    *("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"),
    *("--cap-drop", "ALL", "--hostname", "sandbox"),
)


@cache
def _system_mounts() -> tuple[str, ...]:
    mounts: list[str] = []
    for name in SYSTEM_DIRECTORIES:
        path = Path(name)
        if path.is_symlink():  # a merged /usr: /bin → usr/bin
            mounts += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            mounts += ["--ro-bind", name, name]
    for name in SYSTEM_FILES:
        mounts += ["--ro-bind-try", name, name]
    # Read-only, because /proc/sys checks only the user id: root inside could set core_pattern.
    return (*mounts, "--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev")


def _private_mounts(limits: Limits) -> list[str]:
    size = str(limits.temporary)
    places = ["/tmp", "/run", "/dev/shm"]
    own = home()
    if own != Path("/") and not any(map(own.is_relative_to, (*SYSTEM_DIRECTORIES, *places))):
        places.append(str(own))
    return [part for place in places for part in ("--size", size, "--tmpfs", place)]


def _granted_mounts(scope: Scope) -> list[str]:
    """Binds, outer ones first, so that an inner grant is not hidden by an outer one."""
    kinds = dict.fromkeys(scope.readable, "--ro-bind") | dict.fromkeys(scope.writable, "--bind")
    ordered = sorted(kinds, key=lambda path: len(path.parts))
    return [part for path in ordered for part in (kinds[path], str(path), str(path))]


def _pipe_holding(data: bytes) -> int:
    """A descriptor to read `data` from once; it is far below what a pipe buffers."""
    reader, writer = os.pipe()
    try:
        os.write(writer, data)
    finally:
        os.close(writer)
    return reader


def _signal_from_status(code: int) -> int:
    """bwrap reports a command's death by signal N as the exit status 128 + N, like a shell."""
    number = code - 128
    return -number if 0 < number < signal.NSIG else code
