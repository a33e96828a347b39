"""A running test worker in the sandbox: one process that forks for every run."""

from __future__ import annotations

import json
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.errors import ToolsError
from tools.report import TestReport
from tools.sandbox.base import Process, Sandbox
from tools.testing.events import Collector, Progress
from tools.testing.plan import TestPlan
from tools.text import one_line, strip_control

WORKER = Path(__file__).resolve().parent.parent / "worker"
_START_SECONDS = 60.0
_GRACE_SECONDS = 10.0
"""What the worker may need beyond a run's limit to kill everything and tell so."""

_ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    # Threads of numeric libraries in the forking process would not live on in its forks, and
    # single runs are too short to gain from them.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LANG": "C.UTF-8",
}


class WorkerFailure(ToolsError):
    """The test worker cannot be started."""


class _DiedError(Exception):
    """The worker ended or stopped answering; the text says how, as a part of a sentence."""


class TestSession:
    """Runs selections of tests on the files as they are on disk now.

    A context manager. Each run happens in a fork that ends with it. When the worker itself dies
    (killed for memory, by a test …) the run is reported with its `problem`, and the next run
    starts a new worker.
    """

    __test__ = False

    def __init__(
        self,
        plan: TestPlan,
        root: Path,
        sandbox: Sandbox,
        *,
        timeout: float,
        memory: int | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        """`timeout` is the default limit of a run in seconds, `memory` its address space in
        bytes, `preload` the installed modules that the worker imports before it forks."""
        self._plan = plan
        self._root = root.resolve()
        self._sandbox = sandbox
        self._timeout = timeout
        self._memory = memory
        self._preload = tuple(preload)
        self._process: Process | None = None
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and all that it started."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.__exit__(None, None, None)

    def run(
        self,
        selection: Sequence[str] | None = None,
        timeout: float | None = None,
        stop_at_first: bool = False,
        *,
        coverage: bool = False,
        test_timeout: float | None = None,
        own_timeout: float | None = None,
        on_progress: Progress | None = None,
        seed: int = 0,
        report_modules: bool = False,
        brief: bool = False,
        watch: Mapping[str, Any] | None = None,
    ) -> TestReport:
        """Run `selection` (ids; None for all) and report what happened, whatever happened.

        `timeout` limits the whole run, `test_timeout` each test (it then fails and the others go
        on), `own_timeout` what passes in it but for what it waits for a processor (the run ends
        with the first test that takes more); all in seconds. `seed` is that of the `random` module.
        With `report_modules` the installed modules that the tests loaded are in `loaded_modules`
        afterwards. With `brief` a failing test has a message, but neither traceback nor frames:
        that is faster.
        `watch` (`path`, `name`, `first_line` and `last_line` of a function) asks for `watched`.
        Raises `WorkerFailure` if there is no worker to be had.
        """
        seconds = self._timeout if timeout is None else timeout
        command: dict[str, Any] = {
            "do": "run",
            "ids": None if selection is None else list(selection),
            "seconds": seconds,
            "test_seconds": test_timeout,
            "own_seconds": own_timeout,
            "coverage": coverage,
            "stop_at_first": stop_at_first,
            "report_modules": report_modules,
            "brief": brief,
            "watch": watch and dict(watch),
            "memory": self._memory,
            "seed": seed,
        }
        collector = Collector(selection, on_progress)
        self._start()
        began = time.monotonic()
        died = ""
        try:
            self._send(command)
            end = began + seconds + _GRACE_SECONDS
            while not collector.ended:
                collector.take(self._line(end))
        except _DiedError as error:
            words = self._last_words()
            died = f"The test worker {error}{': ' + words if words else ''}."
            self._discard()
        except BaseException:
            self._discard()
            raise
        self.loaded_modules = collector.modules
        return collector.report(time.monotonic() - began, died)

    loaded_modules: tuple[str, ...] = ()
    """Set by a run with `report_modules`."""

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._discard()
        assert self._plan.python is not None, "a session needs an interpreter"
        self._process = self._sandbox.popen(
            [self._plan.python, "-B", "-s", str(WORKER)],
            cwd=self._root,
            env={**_ENVIRONMENT, **self._plan.environment},
            writable=[self._root],
            readable=[WORKER],
        )
        self._buffer = b""
        try:
            self._send(self._settings())
            self._answer("ready")
            if self._preload:
                self._send({"do": "preload", "modules": list(self._preload)})
                self._answer("preloaded")
        except _DiedError as error:
            reason = self._last_words() or str(error)
            self._discard()
            text = f"The test worker did not start under {self._plan.python}: {reason}."
            raise WorkerFailure(text) from error

    def _last_words(self) -> str:
        """The last line that the worker, or the sandbox around it, wrote to stderr."""
        assert self._process is not None
        told = strip_control(self._process.stderr_tail().decode("utf-8", "replace"))
        lines = [line for line in told.splitlines() if line.strip()]
        return one_line(lines[-1], 200) if lines else ""

    def _settings(self) -> dict[str, Any]:
        root = self._root
        source = root / "src"
        return {
            "kind": self._plan.kind,
            "root": str(root),
            "origin": self._plan.origin,
            "paths": [str(root), *([str(source)] if source.is_dir() else [])],
            "arguments": self._plan.arguments,
            "targets": self._plan.targets,
            "starts": [
                [str(_inside(root, a)), str(_inside(root, b))] for a, b in self._plan.starts
            ],
            "pattern": self._plan.pattern,
        }

    def _answer(self, event: str) -> None:
        end = time.monotonic() + _START_SECONDS
        while True:
            line = self._line(end)
            if line[:1] == b"z" and json.loads(line[1:]).get("e") == event:
                return

    def _send(self, command: dict[str, Any]) -> None:
        assert self._process is not None
        data = memoryview(json.dumps(command).encode() + b"\n")
        try:
            while data:
                data = data[self._process.stdin.write(data) or 0 :]
            self._process.stdin.flush()
        except OSError as error:
            raise _DiedError("ended") from error

    def _line(self, end: float) -> bytes:
        """The next line of the worker; raises `_DiedError` when there is none until `end`."""
        assert self._process is not None
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            stream = self._process.stdout
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise _DiedError("stopped answering")
            data = stream.read(1 << 16)
            if not data:
                raise _DiedError(self._process.stopped_for or "ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.__exit__(None, None, None)


def _inside(root: Path, relative: str) -> Path:
    # Joined as text: "." stays the root itself, as the worker compares paths.
    return root if relative in (".", "") else root / relative
