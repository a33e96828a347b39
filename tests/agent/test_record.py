"""The record is append-only, chained, and survives being cut off."""

from __future__ import annotations

import json
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
