"""The run screen: what it shows of a run, on wide and narrow terminals, under a flood of events."""

from __future__ import annotations

import time
from typing import Any

import pytest
import story
from screens import show, text_of, until
from textual.pilot import Pilot
from textual.widgets import Collapsible, Markdown

from agent import events as ev
from tui.driver import Replay
from tui.screens.run import NAMES, RunScreen
from tui.widgets.board import Board
from tui.widgets.diffview import DiffView
from tui.widgets.speech import SpeechPane
from tui.widgets.toollog import ToolLog


def test_everything_that_a_run_tells_is_on_the_screen(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        screen = await show(pilot, [*story.planned(), *story.searched()])
        side = text_of(screen, "#side")
        assert "plan" in side
        assert "attempt 1" in side
        assert "412 tokens" in side
        assert "1. calculate_interest" in side
        assert "4:" in side, "what is left of five minutes"
        board = text_of(screen, "#board")
        assert "★1" in board
        assert "bank/interest.py:16" in board
        assert screen.query_one(Board).border_subtitle == "16 tried, 3 pass"
        tests = text_of(screen, "#tests")
        assert "6 of 9 pass" in tests
        assert "9 of 9 pass" in tests
        assert "✓ test_interest_of_one_year" in tests
        status = text_of(screen, "#status")
        for part in ("qwen2.5-coder-1.5b", "tok/s", "2.6k/8.2k", "cache 80 %", "risk none"):
            assert part in status, status
        assert "bubblewrap" in status
        assert "divides by the rate" in screen.query_one(Markdown).source

    drive(scenario)


def test_failing_tests_are_named_with_their_messages(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        screen = await show(pilot, story.planned())
        tests = text_of(screen, "#tests")
        assert "Failing (3)" in tests
        assert "✗ test_interest_of_one_year" in tests
        assert "assert 200.0 == 50.0" in tests

    drive(scenario)


def test_what_went_well_is_folded_and_what_did_not_is_open(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        screen = await show(pilot, story.planned())
        folds = list(screen.query_one(ToolLog).query(Collapsible))
        assert [fold.collapsed for fold in folds] == [True, False]
        assert "read_file ×4" in str(folds[0].title)
        assert "deny" in str(folds[1].title)
        assert "the path leads out" in text_of(screen, "#tools")
        folds[0].collapsed = False
        await pilot.pause(0.1)
        assert "40 lines" in text_of(screen, "#tools")

    drive(scenario)


@pytest.mark.parametrize(("size", "visible"), [((140, 42), 4), ((72, 24), 1), ((60, 16), 1)])
def test_a_narrow_screen_shows_one_pane_at_a_time(
    drive: Any, size: tuple[int, int], visible: int
) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        screen = await show(pilot)
        for number, name in enumerate(NAMES, 1):
            await pilot.press(str(number))
            await until(pilot, lambda name=name: screen.query_one(f"#{name}").has_focus)
            shown = [pane.id for pane in screen.query("#panes > .pane") if pane.display]
            assert name in shown
            assert len(shown) == visible
        if visible == 1:
            assert "edit" in text_of(screen, "#crumbs")
            assert not screen.query_one("#side").display

    drive(scenario, size=size)


def test_old_and_new_stand_side_by_side_where_there_is_room(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        screen = await show(pilot)
        diff = screen.query_one(DiffView)
        await pilot.press("5")
        await until(pilot, lambda: diff.has_focus and "* rate" in text_of(screen, "#diff"))
        assert "│" not in text_of(screen, "#diff")
        await pilot.press("f")
        await until(pilot, lambda: screen.maximized is diff and "│" in text_of(screen, "#diff"))
        both = next(line for line in text_of(screen, "#diff").splitlines() if "/ rate" in line)
        assert "* rate / 100" in both
        await pilot.press("f")
        assert screen.maximized is None

    drive(scenario, size=(150, 40))


def test_model_text_follows_its_end_until_it_is_scrolled_up(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        replay = Replay(())
        replay.ended = None
        screen = RunScreen(replay=replay)
        await pilot.app.push_screen(screen)
        speech = screen.query_one(SpeechPane)

        async def say(count: int, start: int) -> None:
            for number in range(start, start + count):
                replay.events.append((float(number), ev.Token(text=f"line {number}\n\n")))
            wanted = f"line {start + count - 1}"
            await until(pilot, lambda: wanted in screen.query_one(Markdown).source)
            await pilot.pause(0.2)

        await say(60, 0)
        assert speech.max_scroll_y > 0
        assert speech.scroll_y == speech.max_scroll_y, "it follows"
        speech.focus()
        await pilot.press("up", "up", "up")
        await pilot.pause(0.2)
        here = speech.scroll_y
        assert here < speech.max_scroll_y
        await say(20, 60)
        assert speech.scroll_y == here, "it was let go"
        await pilot.press("end")
        await pilot.pause(0.5)
        await say(20, 80)
        assert speech.scroll_y == speech.max_scroll_y, "it holds again"

    drive(scenario, size=(100, 30))


def test_a_flood_of_events_is_drawn_a_few_times(drive: Any, monkeypatch: Any) -> None:
    """20,000 events: what is drawn depends on the time that passes, not on their number."""
    drawn: list[str] = []
    plain = Board.lines
    monkeypatch.setattr(Board, "lines", lambda *a: drawn.append("board") or plain(*a))

    async def scenario(pilot: Pilot[Any]) -> None:
        replay = Replay(())
        screen = RunScreen(replay=replay)
        replay.ended = None
        await pilot.app.push_screen(screen)
        ticks = screen._ticks
        for number in range(10_000):
            replay.events.append((time.time(), story.tried(number, number % 2, "branch")))
            replay.events.append((time.time(), story.call("run_tests")))
        await until(pilot, lambda: len(screen.view.attempts) == 10_000)
        await until(pilot, lambda: "10000 tried" in str(screen.query_one(Board).border_subtitle))
        assert 1 <= len(drawn) <= (screen._ticks - ticks) // 2 + 3
        assert len(list(screen.query_one(ToolLog).query(Collapsible))) == 1
        await pilot.press("3")
        await until(pilot, lambda: screen.query_one("#tests").has_focus)

    drive(scenario)


def test_hostile_text_is_shown_as_text(drive: Any) -> None:
    evil = "[bold red]x[/] \x1b[31m\x1b]0;title\x07 [@click=app.quit]go[/] \u202e"

    async def scenario(pilot: Pilot[Any]) -> None:
        bad = story.call("read_file", ok=False)
        tested = story.tests(6, "before").model_copy(update={"messages": {story.FAILING[0]: evil}})
        events = [
            *story.planned(),
            bad.model_copy(update={"arguments": evil, "summary": evil, "tool": evil}),
            ev.Note(text=evil, level="warning"),
            ev.Doing(text=evil),
            ev.Token(text=evil),
            story.tried(9, 0, evil).model_copy(update={"path": evil, "operator": evil}),
            tested,
            ev.DiffReady(diff=story.DIFF.replace("principal / rate", evil), files=(evil,)),
        ]
        screen = await show(pilot, events)
        for number in "123456":
            await pilot.press(number)
            await pilot.pause(0.2)
        for pane in NAMES:
            assert "\x1b" not in text_of(screen, f"#{pane}")
        assert "[bold red]x" in text_of(screen, "#tests")
        assert "[bold red]x" in text_of(screen, "#tools")

    drive(scenario)
