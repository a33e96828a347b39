"""The pictures in the documentation are what the screens show; `make pictures` makes them anew.

They are compared by their text, so that a shade of a colour or a version of a font is no
difference. The run in them is a real one: the demo, mended by the default model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pictures import compared, picture, text
from screens import text_of, until
from textual.pilot import Pilot

from agent import history
from agent import home as runs_home
from agent.approval import Alternative, ApprovalRequest
from agent.doctor import Finding
from agent.state import Task
from tui.app import LocumApp
from tui.driver import Question, Replay
from tui.screens.approval import ApprovalScreen
from tui.screens.home import HomeScreen
from tui.screens.run import RunScreen
from tui.widgets.runlist import RunList

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
RECORDED = Path(__file__).parent / "recorded" / "bank.jsonl"
"""The events of `agent fix sandbox_repo` up to the question; only its path is another."""
REPOSITORY = "/home/ada/src/bank"
OTHER = Alternative(
    item=1,
    place=0,
    diff=(
        "--- a/bank/utils.py\n+++ b/bank/utils.py\n@@ -16 +16 @@\n"
        "-    return principal / rate * years\n+    return principal / 100 * rate * years\n"
    ),
    why="weighs 2.3 nats less than the chosen edit; behaves like the chosen one on inputs near "
    "the tests' own; changes 1 line",
)
ASKED = ApprovalRequest(
    ("bank/account.py", "bank/transaction.py", "bank/utils.py"), REPOSITORY, alternatives=(OTHER,)
)
FINDINGS = (
    Finding("model", "ok", "qwen2.5-coder-1.5b, verified"),
    Finding("memory", "ok", "12.1 of 16.0 GB are available"),
    Finding("disk", "warning", "1.5 GB are free", "Free 0.5 GB."),
    Finding("sandbox bubblewrap", "ok", "blocks what it must"),
)
RUNS = {
    "20261121-160816-a65c": ("bank", 0, "Tests pass: 6 of 9 before, 9 of 9 after"),
    "20261120-101500-0b1d": ("ledger", 3, "Not applied: it was a dry run"),
    "20261119-093012-77fe": ("shop", None, ""),
}
LOOKS = 20
Show = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture
def held(drive: Any) -> Callable[..., None]:
    """Holds the screen that `show` leaves against the picture of that name."""

    def hold(name: str, size: tuple[int, int], show: Show, app: LocumApp | None = None) -> None:
        found: list[list[str]] = []

        async def scenario(pilot: Pilot[Any]) -> None:
            await show(pilot)
            write = "LOCUM_WRITE_PICTURES" in os.environ
            for _ in range(LOOKS):
                await pilot.pause(0.5)
                found[:] = compared(pilot.app, PICTURES / f"{name}.svg", write=write)
                if found[0] == found[1]:
                    break  # on a busy machine not all of a screen is drawn at the first look

        drive(scenario, app, size)
        now, before = found
        assert now == before, "if this is meant: `make pictures`, and look at them"

    return hold


async def waiting(pilot: Pilot[Any]) -> RunScreen:
    """The recorded run where it waits for a decision that was put aside."""
    replay = Replay.of(RECORDED)
    replay.ended = None
    screen = RunScreen(replay=replay)
    await pilot.app.push_screen(screen)
    await until(pilot, lambda: screen.view.diff is not None)
    screen._question = Question(ASKED)
    await until(pilot, lambda: "waits for your decision" in text_of(screen, "#doing"))
    return screen


def test_a_run(held: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        screen = await waiting(pilot)
        await pilot.press("5")
        await until(pilot, lambda: "bank/account.py" in text_of(screen, "#diff"))

    held("run", (124, 36), show)


def test_the_approval(held: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        screen = await waiting(pilot)
        await pilot.app.push_screen(ApprovalScreen(ASKED, screen.view))
        await until(pilot, lambda: "format_currency" in text_of(pilot.app.screen, "#patch"))

    held("approval", (120, 38), show)


def test_a_narrow_terminal(held: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        screen = await waiting(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "★1" in text_of(screen, "#board"))

    held("narrow", (60, 20), show)


def test_home(held: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for run_id, (name, status, headline) in RUNS.items():
        directory = runs_home.runs_root() / run_id
        directory.mkdir(parents=True)
        task = Task(path=f"/home/ada/src/{name}", model="qwen2.5-coder-1.5b")
        (directory / runs_home.TASK).write_text(task.model_dump_json())
        if status is not None:
            report = {"headline": headline, "exit_status": status}
            (directory / history.REPORT).write_text(json.dumps(report))
    monkeypatch.setattr(HomeScreen, "_examine", lambda self: self._show_findings(FINDINGS))

    async def show(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: pilot.app.screen.query_one(RunList).option_count == len(RUNS))
        await until(pilot, lambda: "blocks what" in text_of(pilot.app.screen, "#findings"))
        pilot.app.screen.query_one(RunList).focus()

    held("home", (110, 24), show, LocumApp(Path(REPOSITORY)))


def test_another_screen_has_another_text(drive: Any) -> None:
    """Positive control: what is compared is what is seen, row by row."""
    seen: list[str] = []

    async def scenario(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: pilot.app.screen.query_one("#welcome").display)
        await until(pilot, lambda: "Name a repository above" in str(text(picture(pilot.app))))
        seen.extend(text(picture(pilot.app)))

    drive(scenario, size=(60, 20))
    assert seen[0] == " locum  mends failing tests on this machine"
    assert any("Name a repository above" in row for row in seen)
    assert len(seen) <= 20
    assert all(len(row) <= 60 for row in seen)
    assert seen != text((PICTURES / "narrow.svg").read_text("utf-8"))
