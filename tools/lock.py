"""One run at a time on one repository."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.errors import RepositoryBusy
from tools.state import state_directory


class RepositoryLock:
    """Held from `acquire` to `release` or the end of the process, however that comes.

    Keyed by the repository's real path and kept in the user's state directory, so nothing
    appears in the repository. A context manager.
    """

    def __init__(self, repository: Path, run: str = "", *, state: Path | None = None) -> None:
        """`run` is named to whoever is turned away; `state` replaces the state directory."""
        self._repository = repository.resolve()
        self._run = run
        key = hashlib.sha256(os.fsencode(self._repository)).hexdigest()[:32]
        folder = (state or state_directory()) / "locks"
        self._path = folder / f"{key}.lock"
        self._descriptor = -1

    def acquire(self) -> None:
        """Raises `RepositoryBusy`, naming the holder, if another run has the repository."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(os.read(descriptor, 4096))
            os.close(descriptor)
            raise RepositoryBusy(
                f"Another run{holder} is working on {self._repository}; "
                "wait for it to end or stop it."
            ) from None
        # The file stays when the lock goes: deleting it would let two runs lock different files.
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "run": self._run}).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _holder(content: bytes) -> str:
    try:
        told = json.loads(content)
        return f" ({told['run'] or 'unnamed'}, process {told['pid']})"
    except (ValueError, KeyError, TypeError):  # it holds the lock but has not written yet
        return ""
