"""What all backends share: `Sandbox` in terms of starting one supervised process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.sandbox.base import DEFAULT_LIMITS, Completed, Level, Limits, Process
from tools.sandbox.process import SupervisedProcess


class Backend(ABC):
    """Implements `Sandbox`, given `_start`."""

    name: str
    level: Level

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
        return self._start(argv, cwd, env, writable, readable, limits).finish(input, timeout)

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
        process = self._start(argv, cwd, env, writable, readable, limits)
        process.watch_in_background()
        return process

    @abstractmethod
    def _start(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None,
        writable: Sequence[Path],
        readable: Sequence[Path],
        limits: Limits,
    ) -> SupervisedProcess:
        """Start `argv`, confined as this backend does it."""
