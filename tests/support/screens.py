"""How the screens are driven: a terminal of a given size, keys, and waiting for what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import story
from textual.app import App, ScreenStackError
from textual.css.query import NoMatches
from textual.pilot import Pilot
from textual.widgets import Static

from tui.app import LocumApp
from tui.driver import Replay
from tui.screens.run import RunScreen

Scenario = Callable[[Pilot[Any]], Awaitable[None]]
Drive = Callable[..., None]


@pytest.fixture
def drive(home: Path) -> Drive:
    """Runs a scenario on an app, by default one on an empty home, in a terminal of a size."""

    def go(
        scenario: Scenario, app: App[Any] | None = None, size: tuple[int, int] = (140, 42)
    ) -> None:
        async def play() -> None:
            running = app or LocumApp()
            async with running.run_test(size=size) as pilot:
                await scenario(pilot)
                await settled(pilot)

        asyncio.run(play())

    return go


async def until(pilot: Pilot[Any], what: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits for a condition; fails when it never holds."""
    for _ in range(int(seconds / 0.05)):
        with suppress(NoMatches, ScreenStackError):  # a widget that is not there yet
            if what():
                return
        await pilot.pause(0.05)
    raise AssertionError(f"never came: {what}")


async def settled(pilot: Pilot[Any]) -> None:
    """Waits until the screen has mounted all it is made of.

    An app that is closed while a screen or its tabs are being mounted fails: their children are
    gone before they look at them.
    """
    there: set[int] = set()
    for _ in range(400):
        now = {id(widget) for widget in pilot.app.screen.walk_children()}
        if there == now and pilot.app.screen.is_mounted:
            return
        there = now
        await pilot.pause(None if pilot.app.screen.is_mounted else 0.05)


async def show(pilot: Pilot[Any], events: list[Any] | None = None) -> RunScreen:
    """A run screen on which all these events have come."""
    screen = RunScreen(
        replay=Replay(story.stamped(events if events is not None else story.whole()))
    )
    await pilot.app.push_screen(screen)
    await until(pilot, lambda: screen._told_end)
    await pilot.pause(0.1)
    return screen


def text_of(screen: Any, selector: str) -> str:
    """The plain text that the static widgets under a selector show."""
    found = []
    for widget in screen.query(selector):
        statics = [widget] if isinstance(widget, Static) else list(widget.query(Static))
        found += [str(static.render()) for static in statics]
    return "\n".join(found)
