"""Whole runs from the screen with a scripted model: approved, stopped, and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine
from screens import text_of, until
from textual.pilot import Pilot

from runtime.client import Endpoint
from tui.app import LocumApp
from tui.options import Options
from tui.screens.approval import ApprovalScreen
from tui.screens.home import HomeScreen
from tui.screens.run import RunScreen
from tui.screens.summary import SummaryScreen

pytestmark = pytest.mark.slow
BUGGY = "def larger(a, b):\n    return a if a < b else b\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(
        "from calc import larger\n\n\ndef test_it():\n    assert larger(3, 2) == 3\n"
    )
    return root


@pytest.fixture
def app(
    home: Path,
    repo: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> LocumApp:
    served = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    monkeypatch.setattr(HomeScreen, "_examine", lambda self: None)
    return LocumApp(repo, options=Options({"endpoint": served.base_url}))


async def begun(pilot: Pilot[Any]) -> RunScreen:
    await until(pilot, lambda: pilot.app.screen.query_one("#path").has_focus)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    return screen


def test_a_repository_is_mended_and_the_patch_approved(
    drive: Any, app: LocumApp, repo: Path
) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        run = await begun(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalScreen), 300)
        assert (repo / "calc.py").read_text() == BUGGY, "nothing is written before"
        await pilot.press("escape")
        await until(pilot, lambda: "waits for your decision" in text_of(run, "#doing"))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, SummaryScreen), 120)
        assert "1 of 1 after" in text_of(pilot.app.screen, "#title")

    drive(scenario, app)
    assert (repo / "calc.py").read_text() != BUGGY


def test_a_run_is_held_stopped_at_once_and_resumed(drive: Any, app: LocumApp, repo: Path) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        run = await begun(pilot)
        assert run.driver is not None
        await until(pilot, lambda: run.view.started is not None, 120)
        await pilot.press("p")
        await until(pilot, lambda: "Paused" in text_of(run, "#doing"))
        await pilot.press("p", "b")
        await until(pilot, lambda: run.view.seconds_left > 300.0)
        await pilot.press("x")
        await until(pilot, lambda: run.driver.ended is not None and run._told_end, 120)
        assert run.driver.ended.stopped
        assert (repo / "calc.py").read_text() == BUGGY
        await pilot.press("r")
        await until(pilot, lambda: pilot.app.screen is not run)
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalScreen), 300)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, SummaryScreen), 120)

    drive(scenario, app)
    assert (repo / "calc.py").read_text() != BUGGY
