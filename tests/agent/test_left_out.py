"""A mistake of our own leaves out the part that made it; the run goes on, and says so once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from agent import home as runs_home
from agent import record, runner
from agent.events import Done, Note
from agent.left_out import MISTAKE
from agent.repair.likelihood import Likelihood
from agent.repair.python.operators import OPERATORS
from agent.repair.python.operators.registry import Operator
from agent.state import Scope, Task


@pytest.fixture
def task(reversed_comparison: Path) -> Task:
    return Task(
        path=str(reversed_comparison), model="fake", endpoint=os.environ["LOCUM_ENDPOINT"],
        scope=Scope.BUGS, budget_seconds=600.0,
    )  # fmt: skip


def stumble(*_: object, **__: object) -> NoReturn:
    raise KeyError("a hand slipped")


def warnings(task: Task) -> list[str]:
    """What a run warns of, after it has mended the repository."""
    events = list(runner.start(task).events(lambda _: runner.ApprovalAnswer(True)))
    done = events[-1]
    assert isinstance(done, Done)
    assert done.exit_status == 0
    return [e.text for e in events if isinstance(e, Note) and e.level == "warning"]


def test_the_run_goes_on_and_tells_each_part_once(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Operator("unlucky", (object,), 1.0, stumble)
    monkeypatch.setattr("agent.repair.python.templates.OPERATORS", [broken, *OPERATORS])
    monkeypatch.setattr(Likelihood, "of", stumble)
    told = warnings(task)
    assert len([text for text in told if text.startswith("The edit unlucky met an error")]) == 1
    (log,) = runs_home.runs_root().glob("*/record.jsonl")
    kept = {e["data"]["part"]: e["data"] for e in record.read(log) if e["kind"] == MISTAKE}
    assert {"The edit unlucky", "The model's reading of the survivors"} <= kept.keys()
    assert "in stumble" in kept["The edit unlucky"]["traceback"]
    assert len(kept) == len([text for text in told if "error of its own" in text])


def test_nothing_is_told_where_nothing_fails(task: Task) -> None:
    assert [text for text in warnings(task) if "error of its own" in text] == []
