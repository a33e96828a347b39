"""What every sandbox offers: running one program with nothing but what it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Protocol, Self

Level = Literal["full", "reduced", "none"]
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Ceilings for one sandboxed program; the first four hold per process."""

    cpu_seconds: int = 900
    address_space: int = 8 * 1024 * MEBIBYTE
    file_size: int = 256 * MEBIBYTE
    open_files: int = 4096
    processes: int = 256
    """Processes and threads alive at once in the whole sandbox."""
    temporary: int = 1024 * MEBIBYTE
    """Bytes on the private /tmp, where the backend can limit it."""
    output: int = 2 * MEBIBYTE
    """Bytes kept of each of stdout and stderr: the first half and the last half."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Completed:
    """How a sandboxed program ended."""

    returncode: int
    """As `subprocess` has it: negative for a signal."""
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False
    """Output was cut in its middle to `Limits.output`."""
    seconds: float = 0.0
    stopped_for: str = ""
    """Why the sandbox itself stopped the program (too many processes …); empty if it did not."""


class Process(Protocol):
    """A running sandboxed program with binary, unbuffered pipes on stdin and stdout."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[bytes]: ...
    @property
    def stdout(self) -> IO[bytes]: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def stopped_for(self) -> str:
        """Why the sandbox itself stopped the program; empty if it did not."""

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int:
        """Raises `subprocess.TimeoutExpired`."""

    def kill(self) -> None:
        """End the program and all its descendants, daemonised ones too; returns when gone."""

    def stderr_tail(self) -> bytes:
        """What it wrote to stderr so far, cut in its middle to `Limits.output` bytes."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kills what is left and closes the pipes."""


class Sandbox(Protocol):
    """One way of running untrusted code.

    The program sees the system directories, the installation that `argv[0]` belongs to (a
    virtual environment and its base interpreter included) and `readable` read-only, `writable`
    read-write at their own paths, and an empty private /tmp and HOME. Its environment is `env`
    over a fixed minimum (PATH, HOME, TMPDIR, LANG): nothing is inherited from this process.
    All paths must be absolute. Raises `SandboxUnavailable` if the program cannot be started.
    """

    @property
    def name(self) -> str:
        """bubblewrap, landlock or none."""

    @property
    def level(self) -> Level: ...

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
        """Run to the end or to `timeout` seconds; everything it started is dead on return."""

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
        """Start a long-lived program; use it as a context manager so that it always ends."""
