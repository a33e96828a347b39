"""A supervised child process: bounded output, bounded processes, and a death without heirs."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tools.errors import SandboxUnavailable
from tools.sandbox.base import Completed, Limits
from tools.sandbox.limits import Capture, descendants, start_time, threads_on_machine

_CHECK_SECONDS = 0.05
_GRACE_SECONDS = 3.0
_CHUNK = 65536


@cache
def _spawner() -> ThreadPoolExecutor:
    """One thread that outlives all others and starts every sandbox.

    The kernel's "die with your parent" signal follows the parent *thread*: started from a
    short-lived one, a sandbox would be killed as soon as that thread ended.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-spawner")


class SupervisedProcess:
    """Implements `Process` for a command that already contains its own confinement."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        limits: Limits,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        end_signal: signal.Signals = signal.SIGKILL,
        translate: Callable[[int], int] = lambda code: code,
        cleanup: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = limits
        self._end_signal = end_signal
        self._translate = translate
        self._cleanup = cleanup
        self._ended = threading.Lock()
        self._cleaned = False
        self.stopped_for = ""
        self._baseline = threads_on_machine()
        self._errors = Capture(limits.output)
        try:
            self._popen = _spawner().submit(_start, command, dict(env), cwd, pass_fds).result()
        except OSError as error:
            cleanup()
            raise SandboxUnavailable(f"{command[0]} cannot be started: {error}.") from error
        self._drains = [_drain(self._pipe(self._popen.stderr), self._errors)]

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None, "all three streams are pipes"
        return pipe

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        return self._pipe(self._popen.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        return self._pipe(self._popen.stdout)

    @property
    def returncode(self) -> int | None:
        code = self._popen.returncode
        return None if code is None else self._translate(code)

    def poll(self) -> int | None:
        self._popen.poll()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self._translate(self._popen.wait(timeout))

    def stderr_tail(self) -> bytes:
        if self._popen.returncode is not None:
            self._join_drains()
        return self._errors.value()

    def kill(self) -> None:
        with self._ended:
            if self._popen.poll() is None:
                family = descendants(self.pid)
                self._popen.send_signal(self._end_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._popen.wait(_GRACE_SECONDS)
                self._popen.kill()
                self._popen.wait()
                _sweep(family)
            if not self._cleaned:
                self._cleaned = True
                self._cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._join_drains()
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            with contextlib.suppress(OSError):  # a flush into a dead program's pipe
                self._pipe(pipe).close()

    def _join_drains(self) -> None:
        for drain in self._drains:
            drain.join(_GRACE_SECONDS)

    def watch_in_background(self) -> None:
        """Hold a long-lived program to its process limit from a thread of its own."""
        threading.Thread(target=self.watch, name="sandbox-watch", daemon=True).start()

    def watch(self, deadline: float | None = None) -> bool:
        """Wait for the end or `deadline` (monotonic seconds); True if the deadline came first."""
        with _exit_of(self.pid) as wait:
            while self._popen.poll() is None:
                pause = _CHECK_SECONDS
                if deadline is not None:
                    pause = min(pause, deadline - time.monotonic())
                    if pause <= 0:
                        return True
                if not wait(pause) and self._too_many():
                    self.stopped_for = f"it had more than {self._limits.processes} processes"
                    self.kill()
        return False

    def _too_many(self) -> bool:
        """RLIMIT_NPROC does not bind root, so processes are counted as well."""
        if threads_on_machine() - self._baseline <= self._limits.processes:
            return False
        family = descendants(self.pid)
        return sum(threads for threads, _ in family.values()) > self._limits.processes

    def finish(self, data: bytes | None, timeout: float) -> Completed:
        """Feed `data`, collect the output and wait; kills at `timeout` seconds."""
        started = time.monotonic()
        output = Capture(self._limits.output)
        self._drains.append(_drain(self.stdout, output))
        _feed(self.stdin, data or b"")
        with self:
            timed_out = self.watch(started + timeout)
        code = self.returncode
        assert code is not None, "leaving the context waits for the end"
        return Completed(
            returncode=code,
            stdout=output.value(),
            stderr=self._errors.value(),
            timed_out=timed_out,
            truncated=output.truncated or self._errors.truncated,
            seconds=time.monotonic() - started,
            stopped_for=self.stopped_for,
        )


def _start(
    command: Sequence[str], env: dict[str, str], cwd: Path | None, pass_fds: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=env,
        cwd=cwd,
        close_fds=True,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
    )


def _drain(pipe: IO[bytes], capture: Capture) -> threading.Thread:
    def work() -> None:
        with contextlib.suppress(OSError, ValueError):  # closed by `__exit__`
            while chunk := pipe.read(_CHUNK):
                capture.add(chunk)

    thread = threading.Thread(target=work, name="sandbox-output", daemon=True)
    thread.start()
    return thread


def _feed(pipe: IO[bytes], data: bytes) -> None:
    def work() -> None:
        with contextlib.suppress(OSError, ValueError):  # the program need not read it all
            view = memoryview(data)
            while view:
                view = view[pipe.write(view) :]
        with contextlib.suppress(OSError):
            pipe.close()

    if data:
        threading.Thread(target=work, name="sandbox-input", daemon=True).start()
    else:
        work()


@contextlib.contextmanager
def _exit_of(pid: int) -> Iterator[Callable[[float], bool]]:
    """A function that waits up to so many seconds for `pid` to end: True if it did."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or already reaped
        yield _sleep
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        yield lambda seconds: bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def _sleep(seconds: float) -> bool:
    time.sleep(min(seconds, 0.005))
    return False


def _sweep(family: Mapping[int, tuple[int, int]]) -> None:
    """Kill what is left of `family`, comparing start times lest a process id was reused."""
    for pid, (_, started) in family.items():
        if start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
