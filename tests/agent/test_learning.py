from __future__ import annotations

from pathlib import Path

from agent import learning
from agent.record import Record


def _run(directory: Path) -> Path:
    """The record of a run in which the first step mended an item that it alone was asked for."""
    candidate = {"strategy": "branch"}
    record = Record(directory / "record.jsonl")
    told = {"name": "branch 32", "suspect": 0, "count": 1, "seconds": 2.0}
    record.write("proposed", item=1, round=0, steps=[told], candidates=[candidate])
    record.write("accepted", item={"number": 1, "chosen": {"candidate": candidate}})
    record.close()
    return directory / "record.jsonl"


def test_what_a_run_taught_is_there_for_the_next_and_not_for_a_resumed_one(
    home: Path, tmp_path: Path
):
    (home / "state").mkdir(exist_ok=True)
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (first, second):
        directory.mkdir()
    assert learning.frozen(first).steps == {}
    learning.learn(_run(first))
    assert learning.frozen(first).steps == {}
    tally = learning.frozen(second).steps["branch 32"]
    assert (tally.asked, tally.seconds, tally.judged, tally.mended) == (1, 2.0, 1, 1)


def test_a_history_that_cannot_be_read_counts_as_none(home: Path, tmp_path: Path):
    (home / "state").mkdir(exist_ok=True)
    (home / "state" / learning.FILE).write_text("{broken", "utf-8")
    assert learning.frozen(tmp_path).steps == {}
