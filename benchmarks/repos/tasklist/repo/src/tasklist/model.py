"""Tasks and the list they are on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any


class UnknownTask(LookupError):
    """There is no task of that number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"no task {number}")


@dataclass
class Task:
    """Something to do; 1 is the most urgent priority, 3 the least."""

    number: int
    title: str
    priority: int = 2
    due: date | None = None
    tags: tuple[str, ...] = ()
    done: bool = False

    def overdue(self, today: date) -> bool:
        """Whether the due day has passed; a task is not overdue on its due day."""
        return not self.done and self.due is not None and self.due < today

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "due": self.due.isoformat() if self.due else None}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Task:
        due = date.fromisoformat(data["due"]) if data["due"] else None
        return cls(**{**data, "due": due, "tags": tuple(data["tags"])})


@dataclass
class TaskList:
    """Tasks by number. A number is given once and never again."""

    tasks: dict[int, Task] = field(default_factory=dict)
    last_number: int = 0

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks.values())

    def __len__(self) -> int:
        return len(self.tasks)

    def add(self, title: str, **details: Any) -> Task:
        title = " ".join(title.split())
        if not title:
            raise ValueError("a task needs a title")
        task = Task(len(self.tasks) + 1, title, **details)
        self.last_number = task.number
        self.tasks[task.number] = task
        return task

    def get(self, number: int) -> Task:
        try:
            return self.tasks[number]
        except KeyError:
            raise UnknownTask(number) from None

    def remove(self, number: int) -> Task:
        task = self.get(number)
        del self.tasks[number]
        return task
