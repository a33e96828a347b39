"""The demo mended from the screen: the real model, the real sandbox, keys like a person's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from screens import text_of, until
from suite import run_suite
from textual.pilot import Pilot
from textual.widgets import Select

from agent import home as runs_home
from tui.app import LocumApp
from tui.screens.approval import ApprovalScreen
from tui.screens.run import RunScreen
from tui.screens.summary import SummaryScreen

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.model, pytest.mark.slow]


def test_the_demo_is_mended_from_the_screen(
    drive: Any, tmp_path: Path, model_file: Callable[[str], Path]
) -> None:
    assert model_file("qwen2.5-coder-1.5b").is_file()
    bank = Path(shutil.copytree(ROOT / "sandbox_repo", tmp_path / "bank"))

    async def scenario(pilot: Pilot[Any]) -> None:
        app = pilot.app
        app.screen.query_one("#budget", Select).value = 3600.0
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        run = app.screen
        assert isinstance(run, RunScreen)
        await until(pilot, lambda: "Failing (3)" in text_of(run, "#tests"), 600)
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) or run._told_end, 2400)
        _keep(app, "approval")
        assert isinstance(app.screen, ApprovalScreen), text_of(run, "#doing")
        await until(pilot, lambda: "6 → 9 of 9 pass" in text_of(app.screen, "#evidence"))
        before = {path: path.read_bytes() for path in bank.rglob("*.py")}
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, SummaryScreen), 600)
        _keep(app, "summary")
        assert {path: path.read_bytes() for path in bank.rglob("*.py")} != before
        await pilot.press("escape")
        await pilot.pause(0.5)
        _keep(app, "run")
        assert "qwen2.5-coder-1.5b" in text_of(run, "#status")

    drive(scenario, LocumApp(bank))
    assert "9 passed" in run_suite(bank).stdout
    if "LOCUM_PICTURES" in os.environ:
        (log,) = runs_home.runs_root().glob("*/events.jsonl")
        shutil.copyfile(log, Path(os.environ["LOCUM_PICTURES"], "bank.jsonl"))


def _keep(app: Any, name: str) -> None:
    """A picture for whoever wants to look."""
    if "LOCUM_PICTURES" in os.environ:
        app.save_screenshot(f"real-{name}.svg", os.environ["LOCUM_PICTURES"])
