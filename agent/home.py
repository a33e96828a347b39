"""Where runs are kept: one directory each, outside every repository."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from agent.errors import NoSuchRun
from agent.state import Task
from tools.sandbox.scratch import scratch

TASK, RECORD, CHECKPOINT, WORKSPACE = "task.json", "record.jsonl", "checkpoint.sqlite", "workspace"
EVENTS = "events.jsonl"
STOP = "stop"
"""The file in a run's directory whose presence stops the run."""


def state_root() -> Path:
    """`$LOCUM_STATE`, or the user's state directory."""
    chosen = os.environ.get("LOCUM_STATE")
    return Path(chosen) if chosen else platformdirs.user_state_path("locum")


def runs_root() -> Path:
    return state_root() / "runs"


def upstreams_root() -> Path:
    """What `agent proxy` saw of each server that it stood before."""
    return state_root() / "upstreams"


def new_run(task: Task) -> tuple[str, Path]:
    """A fresh run id, sortable by time, and its directory with the task in it."""
    run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    home = runs_root() / run_id
    home.mkdir(parents=True, mode=0o700)
    put(home / TASK, task.model_dump_json(indent=2) + "\n")
    return run_id, home


def put(file: Path, text: str) -> None:
    """Make `file` hold `text`, or leave it as it was: a killed process leaves no half of it."""
    with scratch() as folder:
        (folder / file.name).write_text(text, "utf-8")
        try:
            (folder / file.name).replace(file)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            file.write_text(text, "utf-8")


def find_run(run_id: str) -> tuple[Task, Path]:
    """The task and directory of a run; raises NoSuchRun with the ids that exist."""
    home = runs_root() / run_id
    file = home / TASK
    if not run_id or Path(run_id).name != run_id or not file.is_file():
        known = ", ".join(list(run_ids())[:5]) or "none yet"
        raise NoSuchRun(f"There is no run {run_id!r}; the latest are: {known}.")
    return Task.model_validate_json(file.read_text("utf-8")), home


def run_ids() -> Iterator[str]:
    """Ids of the runs on this machine, the latest first."""
    root = runs_root()
    if root.is_dir():
        yield from sorted((p.name for p in root.iterdir() if (p / TASK).is_file()), reverse=True)
