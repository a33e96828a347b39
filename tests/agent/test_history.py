from __future__ import annotations

import json
from pathlib import Path

from agent import history
from agent import home as runs_home
from agent.state import Task


def test_runs_are_listed_and_found_by_their_words(home: Path) -> None:
    first, directory = runs_home.new_run(Task(path="/src/Bank", model="m"))
    report = {"headline": "Tests pass: 6 of 9 before, 9 of 9 after", "exit_status": 0}
    (directory / history.REPORT).write_text(json.dumps(report))
    second, _ = runs_home.new_run(Task(path="/src/shop", model="m"))
    runs = {run.run_id: run for run in history.runs()}
    assert runs[first].exit_status == 0
    assert runs[first].began is not None
    assert runs[first].holds("bank PASS")
    assert not runs[first].holds("bank shop")
    assert runs[second].exit_status is None
    assert runs[second].headline == history.NOT_FINISHED


def test_a_damaged_run_is_listed_with_what_is_wrong(home: Path) -> None:
    run, directory = runs_home.new_run(Task(path="/src/bank", model="m"))
    (directory / history.REPORT).write_text("[]")
    (found,) = history.runs()
    assert (found.run_id, found.exit_status) == (run, 2)
    assert "not a report" in found.headline
