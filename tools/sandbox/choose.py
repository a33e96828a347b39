"""Which sandbox works here, proven by trying to get out of it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tools.errors import SandboxUnavailable
from tools.sandbox.base import DEFAULT_LIMITS, Completed, Limits, Process, Sandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.sandbox.landlock import Landlock, Launched

_REMEDIES = {
    "bubblewrap": "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, "
    "apk add bubblewrap util-linux) and allow unprivileged user namespaces.",
    "landlock": "Use Linux 6.2 or newer with Landlock enabled (lsm=landlock,… at boot).",
}
_BACKENDS: Mapping[str, Callable[[], Sandbox]] = {"bubblewrap": Bubblewrap, "landlock": Landlock}
_PROBE_SECONDS = 20.0

# Every probe is tried where it must work as well, so that a broken probe never counts as blocked.
_PROBE = """
import json, os, socket, sys
task = json.load(sys.stdin)
def tried(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return str(error)
    return ""
def write(path):
    with open(path, "x") as file:
        file.write("canary")
def read(path):
    with open(path) as file:
        file.read()
def connect(port):
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
print(json.dumps({
    "write inside": tried(write, task["write inside"]),
    "write outside": tried(write, task["write outside"]),
    "read inside": tried(read, task["read inside"]),
    "read outside": tried(read, task["read outside"]),
    "connect": tried(connect, task["port"]),
    "environment": sorted(os.environ),
}))
"""


class NoSandbox(Launched):
    """Runs code as the user, unconfined; only after a person allowed it for this run."""

    def __init__(self, *, allow_unsandboxed: bool = False) -> None:
        self._allowed = allow_unsandboxed

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout: float,
        writable: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        input: bytes | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Completed:
        self._require_permission()
        return super().run(
            argv, cwd=cwd, env=env, timeout=timeout, writable=writable, readable=readable,
            input=input, limits=limits,
        )  # fmt: skip

    def popen(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        writable: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        limits: Limits = DEFAULT_LIMITS,
    ) -> Process:
        self._require_permission()
        return super().popen(
            argv, cwd=cwd, env=env, writable=writable, readable=readable, limits=limits
        )

    def _require_permission(self) -> None:
        if not self._allowed:
            raise SandboxUnavailable(
                "No sandbox works on this machine, so the tests were not run. "
                + _REMEDIES["bubblewrap"]
            )


@dataclass(frozen=True)
class Canary:
    """One thing a sandboxed program must not be able to do, beside what it must be able to."""

    name: str
    blocked: bool
    control: bool
    """The same act worked where it is allowed; without it `blocked` means nothing."""
    detail: str = ""


@dataclass(frozen=True)
class Proof:
    """What trying to get out of one backend showed."""

    backend: str
    level: str
    canaries: tuple[Canary, ...] = ()
    problem: str = ""
    """Why the backend could not even be tried; empty if it could."""

    @property
    def sound(self) -> bool:
        return not self.problem and all(one.blocked and one.control for one in self.canaries)


@dataclass(frozen=True)
class Check:
    """One line of `agent doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def choose(*, allow_unsandboxed: bool = False) -> Sandbox:
    """The strongest sandbox that holds here; else one that refuses, unless a person allowed it."""
    for make in _BACKENDS.values():
        try:
            sandbox = make()
        except SandboxUnavailable:
            continue
        if prove(sandbox).sound:
            return sandbox
    return NoSandbox(allow_unsandboxed=allow_unsandboxed)


def doctor() -> list[Check]:
    """What each backend holds on this machine, strongest first, one check per canary."""
    checks: list[Check] = []
    for name, make in _BACKENDS.items():
        try:
            proof = prove(make())
        except SandboxUnavailable as error:
            proof = Proof(name, "", problem=str(error))
        if proof.problem:
            checks.append(Check(f"sandbox {name}", False, proof.problem, _REMEDIES[name]))
        for canary in proof.canaries:
            ok = canary.blocked and canary.control
            remedy = "" if ok else _REMEDIES[name]
            checks.append(Check(f"sandbox {name}: {canary.name}", ok, canary.detail, remedy))
    return checks


def prove(sandbox: Sandbox) -> Proof:
    """Try to write, read and connect outside of `sandbox`, each beside its positive control."""
    with _field() as (inside, outside), _listener() as port:
        task = {
            "write inside": str(inside / "written"),
            "write outside": str(outside / "written"),
            "read inside": str(inside / "secret"),
            "read outside": str(outside / "secret"),
            "port": port,
        }
        try:
            done = sandbox.run(
                [sys.executable, "-I", "-S", "-c", _PROBE],
                cwd=inside,
                timeout=_PROBE_SECONDS,
                writable=[inside],
                input=json.dumps(task).encode(),
            )
            if done.returncode != 0:
                problem = f"The canary ended with {done.returncode}: {_last_line(done.stderr)}"
                return Proof(sandbox.name, sandbox.level, problem=problem)
            seen = json.loads(done.stdout)
        except (SandboxUnavailable, ValueError) as error:
            return Proof(sandbox.name, sandbox.level, problem=str(error))
        return Proof(sandbox.name, sandbox.level, _judge(seen, inside, outside, port))


def _judge(seen: Mapping[str, str], inside: Path, outside: Path, port: int) -> tuple[Canary, ...]:
    leaked = set(seen["environment"]) & (set(os.environ) - {"PATH", "HOME", "TMPDIR", "LANG"})
    leaked -= {"TERM", "LC_CTYPE", "PWD"}
    return (
        Canary(
            "writes outside the workspace",
            # Judged on this side: a private HOME may let it write where nobody sees it.
            blocked=not (outside / "written").exists(),
            control=(inside / "written").exists(),
            detail=seen["write outside"],
        ),
        Canary(
            "reads HOME",
            blocked=bool(seen["read outside"]),
            control=not seen["read inside"] and (outside / "secret").read_text() != "",
            detail=seen["read outside"],
        ),
        Canary(
            "connects to this machine",
            blocked=bool(seen["connect"]),
            control=_connects(port),
            detail=seen["connect"],
        ),
        Canary(
            "sees the environment",
            blocked=not leaked,
            control="PATH" in seen["environment"],
            detail=", ".join(sorted(leaked)),
        ),
    )


@contextlib.contextmanager
def _field() -> Iterator[tuple[Path, Path]]:
    """A granted and a forbidden directory in HOME, each with a secret to read."""
    state = platformdirs.user_state_path("locum")
    try:
        state.mkdir(parents=True, exist_ok=True)
        root = Path(tempfile.mkdtemp(prefix="canary-", dir=state))
    except OSError:  # a HOME that cannot be written, as in some containers
        root = Path(tempfile.mkdtemp(prefix="canary-"))
    try:
        for name in ("inside", "outside"):
            (root / name).mkdir()
            (root / name / "secret").write_text(secrets.token_hex())
        yield root / "inside", root / "outside"
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def _listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "no output"
