"""Keeps a task list in a file."""

from __future__ import annotations

import json
from pathlib import Path

from tasklist.model import Task, TaskList


class StoreError(Exception):
    """The file cannot be read."""


def load(path: Path) -> TaskList:
    """The list in a file; an empty one when there is no file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return TaskList()
    except ValueError:
        raise StoreError(f"{path.name} is not a task list") from None
    tasks = [Task.from_json(one) for one in data["tasks"]]
    return TaskList({task.number: task for task in tasks}, data["last_number"])


def save(path: Path, tasks: TaskList) -> None:
    """Write the list beside the file first, so that a crash does not lose the old one."""
    data = {"last_number": tasks.last_number, "tasks": [task.to_json() for task in tasks]}
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(data, indent=2), encoding="utf-8")
    beside.replace(path)
