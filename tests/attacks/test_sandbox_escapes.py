"""What code under test tries to get out. Each attempt first succeeds without a sandbox."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import NoSandbox, Sandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.sandbox.landlock import Landlock


@dataclass(frozen=True)
class Field:
    """What lies outside of the sandbox, for the attempts to reach."""

    outside: Path
    port: int
    datagrams: socket.socket
    abstract: str
    leaked: int
    """An open, inheritable descriptor of the secret."""

    def values(self) -> dict[str, object]:
        return {
            "outside": str(self.outside),
            "port": self.port,
            "udp": self.datagrams.getsockname()[1],
            "abstract": self.abstract,
            "leaked": self.leaked,
            "engine": os.getpid(),
        }

    def received(self) -> bool:
        try:
            return self.datagrams.recv(10) != b""
        except BlockingIOError:
            return False


def _always(_field: Field) -> bool:
    return True


@dataclass(frozen=True)
class Attempt:
    """Python code that raises or exits unless it worked, and how to tell from outside."""

    code: str
    seen: Callable[[Field], bool] = _always
    reduced_stops_it: bool = True
    """False: Landlock lets it pass, which the reduced backend is known for."""


PRELUDE = """
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(*(ctypes.c_long(n) for n in (number, *arguments)))
    refused = result < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS)
    if refused:
        raise OSError(ctypes.get_errno(), "refused")
"""
X86 = os.uname().machine == "x86_64"


def number(x86: int, arm: int) -> int:
    return x86 if X86 else arm


FILES = {
    "read a secret": Attempt("assert open(outside + '/secret').read() == 'secret'"),
    "list a folder": Attempt("assert os.listdir(outside)"),
    "write a new file": Attempt(
        "open(outside + '/new', 'w').write('x')", lambda f: (f.outside / "new").exists()
    ),
    "overwrite a file": Attempt(
        "open(outside + '/file', 'w').write('x')",
        lambda f: (f.outside / "file").read_text() == "x",
    ),
    "truncate a file": Attempt(
        "os.truncate(outside + '/file', 0)", lambda f: (f.outside / "file").read_text() == ""
    ),
    "delete a file": Attempt(
        "os.unlink(outside + '/file')", lambda f: not (f.outside / "file").exists()
    ),
    "rename a file": Attempt(
        "os.rename(outside + '/file', outside + '/moved')",
        lambda f: (f.outside / "moved").exists(),
    ),
    "make a folder": Attempt(
        "os.mkdir(outside + '/made')", lambda f: (f.outside / "made").exists()
    ),
    "plant a link": Attempt(
        "os.symlink('/', outside + '/planted')", lambda f: (f.outside / "planted").is_symlink()
    ),
    "link a secret in": Attempt(
        "os.link(outside + '/secret', 'stolen'); assert open('stolen').read() == 'secret'"
    ),
    "follow a link out": Attempt(
        "os.path.lexists('way') or os.symlink(outside, 'way'); assert open('way/secret').read()"
    ),
    "write over a relative way": Attempt(
        "os.chdir(outside); open('new', 'w').write('x')", lambda f: (f.outside / "new").exists()
    ),
    "climb through /proc": Attempt(
        "assert open(f'/proc/{engine}/root' + outside + '/secret').read()"
    ),
    "read the descriptor of the engine": Attempt(
        "assert open(f'/proc/{engine}/fd/{leaked}').read() == 'secret'"
    ),
    "use an inherited descriptor": Attempt(
        "import subprocess\nassert os.pread(leaked, 10, 0) == b'secret'"
    ),
    "change a mode": Attempt(
        "os.chmod(outside + '/file', 0o777)",
        lambda f: stat.S_IMODE((f.outside / "file").stat().st_mode) == 0o777,
        reduced_stops_it=False,
    ),
    "change a time": Attempt(
        "os.utime(outside + '/file', (1, 1))",
        lambda f: (f.outside / "file").stat().st_mtime == 1,
        reduced_stops_it=False,
    ),
    "see that a file exists": Attempt("os.stat(outside + '/secret')", reduced_stops_it=False),
}
REACH = {
    "connect over TCP": Attempt("socket.create_connection(('127.0.0.1', port), 2)"),
    "send over UDP": Attempt(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', udp))",
        Field.received,
    ),
    "connect to a UNIX socket": Attempt(
        "socket.socket(socket.AF_UNIX).connect(outside + '/socket')"
    ),
    "connect to an abstract socket": Attempt(
        "socket.socket(socket.AF_UNIX).connect('\\0' + abstract)"
    ),
    "open a netlink socket": Attempt("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    "send a signal to the engine": Attempt("os.kill(engine, 0)"),
    "read the engine's environment": Attempt("assert open(f'/proc/{engine}/environ').read()"),
    "read the engine's memory map": Attempt("assert open(f'/proc/{engine}/maps').read()"),
    "see the engine's command line": Attempt("assert open(f'/proc/{engine}/cmdline').read()"),
    "raise a limit": Attempt(
        "import resource as r\nassert r.getrlimit(r.RLIMIT_FSIZE)[1] == r.RLIM_INFINITY"
    ),
}
# The arguments are wrong on purpose: without a filter the kernel complains of them, not of rights.
KERNEL = {
    "ptrace": Attempt(f"call({number(101, 117)}, 0, 0, 0, 0)"),
    "process_vm_readv": Attempt(f"call({number(310, 270)}, os.getpid(), 0, 0, 0, 0, 0)"),
    "io_uring_setup": Attempt("call(425, 0, 0)"),
    "keyctl": Attempt(f"call({number(250, 219)}, 0, -3, 0)"),
    "add_key": Attempt(f"call({number(248, 217)}, 1, 1, 0, 0, 0)"),
    "unshare": Attempt(f"call({number(272, 97)}, 0)"),
    "setns": Attempt(f"call({number(308, 268)}, -1, 0)"),
    "chroot": Attempt(f"call({number(161, 51)}, 1)"),
    "mount": Attempt(f"call({number(165, 40)}, 1, 1, 1, 0, 0)"),
    "clone into namespaces": Attempt(f"call({number(56, 220)}, 0x10000000 | 0x200, 0, 0, 0, 0)"),
    "clone3": Attempt("call(435, 0, 0)"),
    "push characters into a terminal": Attempt(f"call({number(16, 29)}, 99, 0x5412, 0)"),
}
ATTEMPTS = {**FILES, **REACH, **KERNEL}


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (outside / "file").write_text("content")
    abstract = f"locum-test-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        datagrams.setblocking(False)
        for address in (str(outside / "socket"), "\0" + abstract):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        leaked = os.open(outside / "secret", os.O_RDONLY)
        stack.callback(os.close, leaked)
        os.set_inheritable(leaked, True)
        yield Field(outside, tcp.getsockname()[1], datagrams, abstract, leaked)


def succeeds(sandbox: Sandbox, attempt: Attempt, field: Field, workspace: Path) -> bool:
    workspace.mkdir(exist_ok=True)
    assignments = "\n".join(f"{name} = {value!r}" for name, value in field.values().items())
    done = sandbox.run(
        [sys.executable, "-c", f"{PRELUDE}\n{assignments}\n{attempt.code}"],
        cwd=workspace,
        timeout=30,
        writable=[workspace],
    )
    assert not done.timed_out
    return done.returncode == 0 and attempt.seen(field)


def worked_without(name: str, attempt: Attempt, field: Field, workspace: Path) -> bool:
    """The positive control: the very same code, unconfined."""
    if name in ("use an inherited descriptor", "raise a limit"):
        # Closing descriptors and setting limits is what the unconfined backend does as well, so
        # the control runs in this process.
        exec(PRELUDE + (attempt.code), dict(field.values()))
        return True
    return succeeds(NoSandbox(allow_unsandboxed=True), attempt, field, workspace)


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("backend", [Bubblewrap, Landlock])
def test_no_way_out(
    backend: Callable[[], Sandbox], name: str, field: Field, tmp_path: Path
) -> None:
    try:
        sandbox = backend()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    attempt = ATTEMPTS[name]
    passed = succeeds(sandbox, attempt, field, tmp_path / "confined")
    known = sandbox.level == "reduced" and not attempt.reduced_stops_it
    assert passed == known, "the list of what the reduced backend lets pass must be honest"
    if not passed:
        assert worked_without(name, attempt, field, tmp_path / "free")


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root could write there at all.")
@pytest.mark.parametrize("backend", [Bubblewrap, Landlock])
@pytest.mark.parametrize(
    "path", ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness", "/etc/shadow"]
)
def test_root_inside_is_not_root_outside(
    backend: Callable[[], Sandbox], path: str, tmp_path: Path
) -> None:
    """/proc/sys asks for the user id alone, and root keeps it in a user namespace."""
    try:
        sandbox = backend()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    code = f"open({path!r}, 'r+').close()"
    command = [sys.executable, "-c", code]
    done = sandbox.run(command, cwd=tmp_path, timeout=30, writable=[tmp_path])
    assert done.returncode != 0
    control = NoSandbox(allow_unsandboxed=True)
    assert control.run(command, cwd=tmp_path, timeout=30).returncode == 0
