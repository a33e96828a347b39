"""Runs one command confined by Landlock, seccomp and rlimits, and outlives it to bury its heirs.

A standalone script (standard library only): `python -I -S launcher.py SPECIFICATION -- ARGV…`.
It stays as the command's parent, adopts whatever the command leaves behind, and kills all of it
when the command ends or when it is told to stop itself.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import struct
import sys
import time
from types import FrameType
from typing import Any, NoReturn

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_RULE_PATH_BENEATH = 1
LINUX = sys.platform == "linux"


def main() -> NoReturn:
    specification = json.loads(sys.argv[1])
    command = sys.argv[3:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, stop)
    control(PR_SET_CHILD_SUBREAPER, 1)
    control(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != specification["parent"]:  # it died before the line above took effect
        os._exit(128 + signal.SIGKILL)
    child = os.fork()
    if child == 0:
        confine_and_run(specification, command)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # else the reader would never see the command's end of output
        os.dup2(null, stream)
    code = wait_for(child)
    bury()
    end_like(code)


def confine_and_run(specification: dict[str, Any], command: list[str]) -> NoReturn:
    """Never returns: the command takes this process's place, or 126 says why it could not."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for name, value in specification["rlimits"].items():
            limit = getattr(resource, "RLIMIT_" + name.upper())
            resource.setrlimit(limit, (value, value))
        os.chdir(specification["cwd"])
        if specification["landlock"]:
            control(PR_SET_NO_NEW_PRIVS, 1)
            restrict_paths(specification["landlock"])
            install_filter(bytes.fromhex(specification["seccomp"]))
        os.execve(command[0], command, os.environ)
    except BaseException as error:
        os.write(2, f"sandbox: {error}\n".encode())
    os._exit(126)


def restrict_paths(landlock: dict[str, Any]) -> None:
    """Apply {"handled": [files, network, scopes], "rules": [[path, rights], …]}."""
    handled = landlock["handled"]
    attributes = struct.pack("=QQQ", *handled)[: landlock["size"]]
    ruleset = call(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    for path, rights in landlock["rules"]:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rule = struct.pack("=Qi", rights, descriptor)
        call(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        os.close(descriptor)
    call(LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def install_filter(program: bytes) -> None:
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of eight-byte steps, padding, then their address.
    header = struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)


def call(number: int, *arguments: int | bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    typed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *typed)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"system call {number}")
    return int(result)


def control(option: int, *arguments: int | bytes) -> None:
    if not LINUX:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    typed = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    typed += [ctypes.c_ulong(0)] * (4 - len(typed))
    if libc.prctl(ctypes.c_int(option), *typed) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"prctl {option}")


def wait_for(child: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    bury()
    # Whoever would have removed the private directory may be the one that died.
    import shutil

    with contextlib.suppress(RecursionError):
        shutil.rmtree(json.loads(sys.argv[1])["private"], ignore_errors=True)
    end_like(-signal.SIGKILL)


def bury() -> None:
    """Kill and reap every descendant, daemonised ones too, until none is left."""
    while True:
        frozen: set[int] = set()
        while new := descendants() - frozen:  # who stands still cannot fork while we look
            send(new, signal.SIGSTOP)
            frozen |= new
        send(frozen, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                continue
        except ChildProcessError:
            return
        time.sleep(0.001)


def send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def descendants() -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc") if LINUX else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = read(entry.path + "/stat").rpartition(b")")[2].split()
                if fields[0] not in (b"Z", b"X"):
                    children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    pending = [os.getpid()]
    while pending:
        new = children.get(pending.pop(), [])
        found.update(new)
        pending += new
    return found


def read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def end_like(code: int) -> NoReturn:
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL and SIGSTOP have no handler to restore
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
