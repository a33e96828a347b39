"""Chooses and sorts tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tasklist.model import Task


@dataclass(frozen=True)
class Query:
    """Which tasks are wanted; what is not set does not matter."""

    tag: str | None = None
    words: tuple[str, ...] = ()
    due_by: date | None = None
    include_done: bool = False

    def matches(self, task: Task) -> bool:
        if task.done and not self.include_done:
            return False
        if self.tag is not None and self.tag not in task.tags:
            return False
        if self.due_by is not None and (task.due is None or task.due >= self.due_by):
            return False
        title = task.title.casefold()
        return all(word.casefold() in title for word in self.words)


def urgency(task: Task) -> tuple[bool, int, date, int]:
    """Sorts by priority, then by due day, tasks without one last; done ones behind all."""
    return task.done, task.priority, task.due or date.max, task.number


def select(tasks: Iterable[Task], query: Query) -> list[Task]:
    return sorted((task for task in tasks if query.matches(task)), key=urgency)
