"""Directories swapped for links while the engine works: nothing is read or written outside."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from field import SECRET, Field

SECONDS = 60.0 if os.environ.get("LOCUM_LONG_TESTS") else 3.0
"""`make test-attacks` tries for a minute."""
OFTEN, PATIENCE = 10, 60.0
_EXCHANGE = 2


def exchange(one: Path, other: Path) -> None:
    """Swap two names in one step, so that there is no moment without either."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(-100, bytes(one), -100, bytes(other), _EXCHANGE)
    if done != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


@contextmanager
def swapping(one: Path, other: Path) -> Iterator[Callable[[], int]]:
    """Another thread swaps the two without pause; gives how often it did so far."""
    stop = threading.Event()
    count = 0

    def swap() -> None:
        nonlocal count
        while not stop.is_set():
            try:
                exchange(one, other)
                count += 1
            except FileNotFoundError:  # the engine just put the tree back
                continue

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield lambda: count
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def swapped(field: Field) -> tuple[Field, Path, Path]:
    folder, link = field.root / "swap", field.root / "link"
    folder.mkdir()
    (folder / "secret").write_text("inside")
    (folder / "file").write_text("inside")
    link.symlink_to(field.outside)
    return field, folder, link


def attack(field: Field, seconds: float) -> tuple[int, int]:
    """All file tools on the swapped name, over and over; how often they worked and were refused.

    On a busy machine it takes longer than `seconds` until both were seen often enough.
    """
    worked = refused = 0
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds or min(worked, refused) <= OFTEN:
        if passed > seconds + PATIENCE:
            break
        results = [
            field.call("read_file", path="swap/secret"),
            field.call("write_file", path="swap/file", content="mine"),
            field.call("write_file", path=f"swap/new{worked % 7}", content="mine"),
            field.call("list_files", path="swap"),
            field.call("search_code", pattern="secret", path="swap"),
        ]
        assert not any(SECRET in result.content for result in results)
        worked += sum(result.ok for result in results[:3])
        refused += sum(not result.ok for result in results[:3])
    return worked, refused


def naive_reader_is_fooled(folder: Path) -> bool:
    """The positive control: who checks the real path first and opens then, is led out."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        path = folder / "secret"
        try:
            if Path(os.path.realpath(path)).parent == folder and path.read_text() == SECRET:
                return True
        except OSError:
            continue
    return False


def test_swapped_folders_lead_nowhere(swapped: tuple[Field, Path, Path]) -> None:
    field, folder, link = swapped
    with swapping(folder, link) as swaps:
        assert naive_reader_is_fooled(folder)
        worked, refused = attack(field, SECONDS)
        assert min(worked, refused) > OFTEN
        assert swaps() > 100
    assert field.untouched()


def test_swapping_while_the_tree_is_put_back(swapped: tuple[Field, Path, Path]) -> None:
    """Deleting what a test left behind must not delete through a link."""
    field, folder, link = swapped
    (field.outside / "precious").mkdir()
    (field.outside / "precious" / "file").write_text("mine")
    field.before = field._seen()
    with swapping(folder, link):
        for _ in range(300):
            try:
                field.workspace.restore()
            except OSError:
                continue
            for path in (folder, link):
                if not os.path.lexists(path):
                    _again(path, field.outside)
    assert field.untouched()


def _again(path: Path, outside: Path) -> None:
    try:
        path.symlink_to(outside) if path.name == "link" else path.mkdir()
    except FileExistsError:
        return
