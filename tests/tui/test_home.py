"""Home, history and summary: earlier runs, starting one, and what is done with a result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import story
from reports import report
from screens import text_of, until
from textual.pilot import Pilot
from textual.widgets import Input, Markdown, TabbedContent, TextArea

from agent import history
from agent import home as runs_home
from agent.eventlog import EventLog
from agent.pull_request import Proposed
from agent.state import Task
from tui import messages
from tui.app import LocumApp
from tui.screens.history import HistoryScreen
from tui.screens.home import HomeScreen
from tui.screens.run import RunScreen
from tui.screens.summary import SummaryScreen
from tui.widgets.runlist import RunList

SUMMARY = "# Fix `calculate_interest`\n\n[bold]not markup[/]\n"


@pytest.fixture(autouse=True)
def _quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is looked at in one test of its own."""
    monkeypatch.setattr(HomeScreen, "_examine", lambda self: None)


@pytest.fixture
def finished(home: Path, tmp_path: Path) -> str:
    run_id, directory = runs_home.new_run(Task(path=str(tmp_path / "bank"), model="m"))
    report = {"headline": "Tests pass: 6 of 9 before, 9 of 9 after", "exit_status": 0}
    (directory / history.REPORT).write_text(json.dumps({**report, "applied": ["a.py"]}))
    (directory / history.SUMMARY).write_text(SUMMARY)
    (directory / history.PATCH).write_text(story.DIFF)
    log = EventLog(directory / runs_home.EVENTS)
    for event in story.whole():
        log.write(event)
    log.close()
    return run_id


@pytest.fixture
def unfinished(home: Path, tmp_path: Path) -> str:
    run_id, _ = runs_home.new_run(Task(path=str(tmp_path / "shop"), model="m"))
    return run_id


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What screens asked the app for that would begin a run."""
    wanted: list[Any] = []
    monkeypatch.setattr(LocumApp, "_open", lambda self, make: wanted.append(make))
    return wanted


def test_without_runs_it_says_what_it_is(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: pilot.app.screen.query_one("#welcome").display)
        assert "Your files change only when you approve" in text_of(pilot.app.screen, "#welcome")
        assert pilot.app.screen.query_one("#path").has_focus

    drive(scenario)


def test_recent_runs_are_listed_and_opened(drive: Any, finished: str, unfinished: str) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        runs = pilot.app.screen.query_one(RunList)
        await until(pilot, lambda: runs.option_count == 2)
        await until(pilot, lambda: runs.has_focus)
        names = [one.run_id for one in runs._shown]
        assert sorted(names) == sorted([finished, unfinished])
        runs.highlighted = names.index(finished)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SummaryScreen))

    drive(scenario)


def test_an_unfinished_run_is_resumed_and_a_finished_one_is_not(
    drive: Any, finished: str, unfinished: str, asked: list[Any]
) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        runs = pilot.app.screen.query_one(RunList)
        await until(pilot, lambda: runs.option_count == 2)
        names = [one.run_id for one in runs._shown]
        runs.highlighted = names.index(finished)
        await pilot.press("r")
        await pilot.pause(0.2)
        assert asked == []
        runs.highlighted = names.index(unfinished)
        await pilot.press("r")
        await until(pilot, lambda: len(asked) == 1)

    drive(scenario)


def test_a_run_is_started_on_the_named_repository(
    drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[messages.StartRun] = []
    monkeypatch.setattr(HomeScreen, "post_message", _spy(wanted, HomeScreen.post_message))

    async def scenario(pilot: Pilot[Any]) -> None:
        field = pilot.app.screen.query_one("#path", Input)
        assert field.value == str(tmp_path)
        field.value = str(tmp_path / "none")
        field.focus()
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert wanted == [], "such a directory does not exist"
        field.value = str(tmp_path)
        await pilot.press("enter")
        await until(pilot, lambda: wanted)

    drive(scenario, LocumApp(tmp_path))
    assert (wanted[0].path, wanted[0].budget_seconds) == (str(tmp_path), 300.0)


def _spy(wanted: list[messages.StartRun], plain: Any) -> Any:
    def post(self: Any, message: Any) -> Any:
        if isinstance(message, messages.StartRun):
            wanted.append(message)
            return True
        return plain(self, message)

    return post


def test_history_is_searched_as_one_types(drive: Any, finished: str, unfinished: str) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        pilot.app.action_history()
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        await until(pilot, lambda: pilot.app.screen.query(RunList))
        runs = pilot.app.screen.query_one(RunList)
        await until(pilot, lambda: runs.option_count == 2)
        await pilot.press("slash", *"bank", "space", *"9")
        await until(pilot, lambda: runs.option_count == 1)
        assert runs.chosen is not None
        assert runs.chosen.run_id == finished
        await pilot.press("enter", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        await pilot.press("slash", "escape")
        await until(pilot, lambda: runs.option_count == 2)

    drive(scenario)


def test_the_summary_is_read_copied_and_saved(
    drive: Any, finished: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def scenario(pilot: Pilot[Any]) -> None:
        pilot.app.post_message(messages.ShowRun(finished))
        await until(pilot, lambda: isinstance(pilot.app.screen, SummaryScreen))
        screen = pilot.app.screen
        assert "9 of 9 after" in text_of(screen, "#title")
        assert screen.query_one(Markdown).source == SUMMARY
        await pilot.press("2")
        assert screen.query_one(TabbedContent).active == "raw"
        assert screen.query_one(TextArea).text == SUMMARY
        await pilot.press("3")
        await pilot.pause(0.3)
        assert "* rate / 100" in text_of(screen, "DiffView")
        await pilot.press("y")
        assert pilot.app.clipboard == SUMMARY
        await pilot.press("w", "enter")
        await until(pilot, lambda: (tmp_path / "summary.md").is_file())
        await pilot.press("w", "enter", "n")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    drive(scenario)
    assert (tmp_path / "summary.md").read_text() == SUMMARY


def test_a_retry_gets_twice_the_time(
    drive: Any, finished: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Task] = []
    monkeypatch.setattr("agent.runner.start", lambda task: started.append(task))

    async def scenario(pilot: Pilot[Any]) -> None:
        pilot.app.post_message(messages.ShowRun(finished))
        await until(pilot, lambda: isinstance(pilot.app.screen, SummaryScreen))
        await pilot.press("m")
        await until(pilot, lambda: asked)
        asked[0]()

    drive(scenario)
    assert started[0].budget_seconds == 600.0


def test_commands_are_found_in_the_palette_and_help_is_shown(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        titles = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"History", "Theme", "New run", "Quit"} <= titles
        await pilot.press("f1")
        await until(pilot, lambda: pilot.app.screen.query("HelpPanel"))
        await pilot.press("f1")
        await until(pilot, lambda: not pilot.app.screen.query("HelpPanel"))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "CommandPalette")

    drive(scenario)


@pytest.mark.parametrize("theme", ["locum", "locum-light", "high-contrast", "ansi-dark", "nord"])
def test_every_screen_draws_in_every_theme(drive: Any, finished: str, theme: str) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        pilot.app.post_message(messages.ShowRun(finished, replay=True))
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await until(pilot, lambda: "calculate_interest" in text_of(pilot.app.screen, "#side"))
        await until(pilot, lambda: "calculate" in pilot.app.export_screenshot())

    drive(scenario, LocumApp(theme=theme))


def test_a_pull_request_is_opened_for_what_was_committed(
    drive: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, directory = runs_home.new_run(Task(path="/src/bank", model="m"))
    made = report(commit="c0ffee", branch="fix")
    (directory / history.REPORT).write_text(made.model_dump_json())
    (directory / history.SUMMARY).write_text(SUMMARY)
    given: list[str] = []

    def propose(told: Any, body: Path, say: Any) -> Proposed:
        given.append(f"{told.branch} {body.name}")
        return Proposed(commands=("git push", "gh pr create"), why="`gh` is not installed")

    monkeypatch.setattr("agent.pull_request.propose", propose)

    async def scenario(pilot: Pilot[Any]) -> None:
        pilot.app.post_message(messages.ShowRun(run_id))
        await until(pilot, lambda: isinstance(pilot.app.screen, SummaryScreen))
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.clipboard == "git push\ngh pr create")

    drive(scenario)
    assert given == ["fix summary.md"]
