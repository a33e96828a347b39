from datetime import date

import pytest

from tasklist.model import Task, TaskList
from tasklist.query import Query


def test_number_of_the_newest_is_not_given_again() -> None:
    tasks = TaskList()
    for title in ("a", "b", "c"):
        tasks.add(title)
    tasks.remove(3)
    assert tasks.add("d").number == 4
    for number in (1, 2, 4):
        tasks.remove(number)
    assert tasks.add("e").number == 5


def test_numbers_across_commands(tasks) -> None:
    for title in ("a", "b"):
        tasks("add", title)
    tasks("remove", "2")
    assert tasks("add", "c") == (0, ["added 3"])
    assert tasks("list")[1] == ["[ ]   1 **  a", "[ ]   3 **  c"]


@pytest.mark.parametrize(("day", "wanted"), [(14, False), (15, True), (16, True)])
def test_due_by(day: int, wanted: bool) -> None:
    task = Task(1, "x", due=date(2024, 1, 15))
    assert Query(due_by=date(2024, 1, day)).matches(task) is wanted


def test_due_by_leaves_out_tasks_without_a_day() -> None:
    assert not Query(due_by=date(2024, 1, 15)).matches(Task(1, "x"))


def test_statuses(tasks) -> None:
    for title in ("a", "b"):
        tasks("add", title, "-d", "2024-05-10")
    assert tasks("list", "--due-by", "2024-05-10")[0] == 0
    assert tasks("done", "1", "2") == (0, [])
    assert tasks("list") == (1, [])
    assert tasks("remove", "1", "2") == (0, [])
