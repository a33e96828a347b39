"""Folders that are gone when their work is done, even if the process that made them was killed."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.removal import remove_tree
from tools.sandbox.limits import start_time
from tools.state import state_directory

_NAME = re.compile(r"scratch-(\d+)-(\d+)-")


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder in the user's state directory, or beside other temporary files without one.

    What a killed process left there before is removed first: its name says whose it was.
    """
    prefix = f"scratch-{os.getpid()}-{start_time(os.getpid()) or 0}-"
    state = state_directory()
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(state)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=state))
    except OSError:  # a HOME that cannot be written, as in some containers
        folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        remove_tree(folder)


def sweep(state: Path) -> None:
    """Remove the folders whose process is no longer alive."""
    for entry in state.iterdir():
        owner = _NAME.match(entry.name)
        # A number may have been given to another process since: the start tells them apart.
        if owner and start_time(int(owner[1])) not in (int(owner[2]), *_unknown(owner[2])):
            remove_tree(entry)


def _unknown(started: str) -> tuple[int | None, ...]:
    """Where start times cannot be read every owner counts as alive."""
    return (None,) if started == "0" else ()
