"""Trying to get out of a sandbox: each thing that must fail beside the same that must work."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import SandboxUnavailable
from tools.sandbox.base import Sandbox
from tools.sandbox.scratch import scratch

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
    with scratch() as root:
        for name in ("inside", "outside"):
            (root / name).mkdir()
            (root / name / "secret").write_text(secrets.token_hex())
        yield root / "inside", root / "outside"


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
