"""The whole event stream of a run, as its log kept it, shown again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from screens import text_of, until
from textual.pilot import Pilot

from tui.driver import Replay
from tui.screens.run import RunScreen

RECORDED = Path(__file__).parent / "recorded" / "calc.jsonl"
"""A run on two failing tests with a scripted model, in which another survivor was chosen."""


def test_a_recorded_run_is_shown_to_its_end(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        replay = Replay.of(RECORDED)
        assert len(replay.events) == len(RECORDED.read_text().splitlines())
        screen = RunScreen(replay=replay)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: screen._told_end)
        view = screen.view
        assert view.done is not None
        assert view.before is not None
        assert view.latest is not None
        assert (view.before.passed, view.latest.passed, view.latest.total) == (0, 2, 2)
        assert view.done.headline in text_of(screen, "#title")
        assert {item.status.value for item in view.items.values()} == {"fixed"}
        assert len(view.attempts) == 42
        assert [one.rank for one in view.board()[:2]] == [1, 2]
        await pilot.press("5")
        await until(pilot, lambda: "def larger" in text_of(screen, "#diff"))

    drive(scenario)
