from pathlib import Path

import pytest


def test_add_and_list(tasks) -> None:
    assert tasks("add", "buy", "milk", "-t", "shop") == (0, ["added 1"])
    assert tasks("add", "pay rent", "-p", "1", "-d", "2024-05-09") == (0, ["added 2"])
    assert tasks("list") == (
        0,
        ["[!]   2 *** pay rent  due 2024-05-09", "[ ]   1 **  buy milk  #shop"],
    )


def test_empty_listing(tasks) -> None:
    tasks("add", "buy milk")
    assert tasks("list", "bread") == (1, [])


def test_done(tasks) -> None:
    tasks("add", "buy milk")
    assert tasks("done", "1") == (0, [])
    assert tasks("list", "--all") == (0, ["[x]   1 **  buy milk"])


def test_remove(tasks) -> None:
    tasks("add", "one")
    tasks("add", "two")
    assert tasks("remove", "1") == (0, [])
    assert tasks("list")[1] == ["[ ]   2 **  two"]


def test_nothing_is_saved_after_an_error(tasks) -> None:
    tasks("add", "one")
    assert tasks("remove", "1", "7") == (2, ["tasks: no task 7"])
    assert len(tasks("list")[1]) == 1


def test_broken_file(tasks, tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("?")
    assert tasks("list") == (2, ["tasks: tasks.json is not a task list"])


def test_usage(tasks) -> None:
    with pytest.raises(SystemExit) as caught:
        tasks("add", "x", "-p", "9")
    assert caught.value.code == 2
