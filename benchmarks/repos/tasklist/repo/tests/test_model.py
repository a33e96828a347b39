from datetime import date

import pytest

from tasklist.model import Task, TaskList, UnknownTask
from tasklist.query import Query, select


@pytest.fixture
def chores() -> TaskList:
    tasks = TaskList()
    tasks.add("Water the plants", priority=3, tags=("home",))
    tasks.add("Pay the rent", priority=1, due=date(2024, 5, 31), tags=("money", "home"))
    tasks.add("Call Ada", due=date(2024, 5, 9))
    tasks.add("Buy milk")
    return tasks


def numbers(tasks: list[Task]) -> list[int]:
    return [task.number for task in tasks]


def test_title_is_tidied() -> None:
    assert TaskList().add("  buy \n milk ").title == "buy milk"


def test_title_is_needed() -> None:
    with pytest.raises(ValueError, match="title"):
        TaskList().add("  ")


def test_numbers_are_not_given_again(chores: TaskList) -> None:
    chores.remove(2)
    assert chores.add("New").number == 5
    assert len(chores) == 4


def test_unknown(chores: TaskList) -> None:
    with pytest.raises(UnknownTask, match="no task 9"):
        chores.get(9)


def test_json(chores: TaskList) -> None:
    assert [Task.from_json(task.to_json()) for task in chores] == list(chores)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), [2, 3, 4, 1]),
        (Query(tag="home"), [2, 1]),
        (Query(words=("THE", "rent")), [2]),
        (Query(due_by=date(2024, 5, 20)), [3]),
        (Query(due_by=date(2024, 5, 31)), [2, 3]),
        (Query(tag="none"), []),
    ],
)
def test_select(chores: TaskList, query: Query, expected: list[int]) -> None:
    assert numbers(select(chores, query)) == expected


def test_done_ones_come_last(chores: TaskList) -> None:
    chores.get(2).done = True
    assert numbers(select(chores, Query())) == [3, 4, 1]
    assert numbers(select(chores, Query(include_done=True))) == [3, 4, 1, 2]


@pytest.mark.parametrize(("day", "overdue"), [(8, False), (9, False), (10, True)])
def test_overdue(chores: TaskList, day: int, overdue: bool) -> None:
    assert chores.get(3).overdue(date(2024, 5, day)) is overdue
