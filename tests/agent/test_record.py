"""The record is append-only, chained, and survives being cut off."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent import record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "record.jsonl"
    log = record.Record(path)
    for number in range(5):
        log.write("step", number=number, text="naïve ✓")
    log.close()
    return path


def test_an_untouched_record_verifies(path: Path) -> None:
    assert record.verify(path) == ""
    assert [entry["data"]["number"] for entry in record.read(path)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("victim", [0, 2, 4])
def test_a_changed_line_is_found(path: Path, victim: int) -> None:
    lines = path.read_text("utf-8").splitlines()
    entry = json.loads(lines[victim])
    entry["data"]["number"] = 99
    lines[victim] = json.dumps(entry)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert f"Line {victim + 1}" in record.verify(path)


def test_a_removed_line_is_found(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    del lines[2]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert "Line 3" in record.verify(path)


def test_a_line_cut_off_by_a_crash_is_dropped_and_the_chain_goes_on(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"seq": 5, "half')
    log = record.Record(path)
    log.write("step", number=5)
    log.close()
    assert record.verify(path) == ""
    assert [entry["seq"] for entry in record.read(path)] == [0, 1, 2, 3, 4, 5]


def test_lines_of_several_threads_make_one_chain(path: Path) -> None:
    log = record.Record(path)
    with ThreadPoolExecutor(4) as pool:
        for number in pool.map(lambda number: log.write("step", number=number), range(400)):
            assert number is None
    log.close()
    assert record.verify(path) == ""
    entries = list(record.read(path))
    assert [entry["seq"] for entry in entries] == list(range(405))
    assert sorted(entry["data"]["number"] for entry in entries[5:]) == list(range(400))
