"""The status line of a terminal: it tells of what is going on, not of what is over."""

from __future__ import annotations

from typing import Any, cast

import pytest

from agent import events as ev
from agent.cli.progress import BEGINS, Progress
from tui.view import PHASES


class Line:
    """A status line that keeps what it was told."""

    def __init__(self) -> None:
        self.shown = ""

    def update(self, text: str) -> None:
        self.shown = text


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def progress(line: Line) -> Progress:
    made = Progress("run", quiet=False, verbose=False)
    made._spinner = cast("Any", line)
    return made


def test_a_phase_ends_what_was_done_before(progress: Progress, line: Line) -> None:
    progress.show(ev.Doing(text="Copying /src/bank"))
    assert line.shown == "Copying /src/bank"
    progress.show(ev.PhaseStarted(phase="plan", detail="pytest"))
    assert line.shown == "Running the tests"
    progress.show(ev.TestsProgress(done=9, total=9))
    assert line.shown == "9 of 9 tests run"
    progress.show(ev.TestsFinished(passed=6, total=9, failing=(), seconds=1.0, what="before"))
    assert line.shown == "Looking at the results"


def test_every_phase_has_its_words() -> None:
    assert set(PHASES) <= BEGINS.keys()
