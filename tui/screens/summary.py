"""What a run came to: the summary rendered and raw, the diff, and what to do with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Footer, Markdown, Static, TabbedContent, TabPane, TextArea

from agent import history, home
from tools.text import strip_control
from tui import messages
from tui.screens.confirm import ConfirmScreen, LineScreen
from tui.widgets.diffview import DiffView
from tui.words import cell


class SummaryScreen(Screen[None]):
    """Of a finished run, by its id; everything is read from the run's directory."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "tab('rendered')", "Read", show=False),
        Binding("2", "tab('raw')", "Raw", show=False),
        Binding("3", "tab('changes')", "Diff", show=False),
        Binding("y", "copy", "Copy"),
        Binding("w", "save", "Save"),
        Binding("o", "propose", "Open pull request"),
        Binding("v", "replay", "See the run"),
        Binding("u", "undo", "Undo"),
        Binding("m", "retry", "Retry with twice the time"),
        Binding("escape", "app.pop_screen", "Back"),
    ]
    HELP = """\
# The summary

* `y` copies the Markdown, `w` saves it to a file of your choice
* `o` opens a pull request for the branch that the run committed on, or says how
* `v` shows the run's events again
* `u` takes back what the run applied, unless a file was changed since
* `m` runs once more with twice the time
"""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._directory = home.runs_root() / run_id
        self._text = _read(self._directory / history.SUMMARY)
        self._report = _report(self._directory / history.REPORT)

    def compose(self) -> ComposeResult:
        yield Static(self._headline(), id="title", markup=False)
        with TabbedContent(initial="rendered"):
            with TabPane("1 Summary", id="rendered"), VerticalScroll():
                yield Markdown(self._text, open_links=False)
            with TabPane("2 Markdown", id="raw"):
                yield TextArea(self._text, read_only=True, soft_wrap=True, id="source")
            with TabPane("3 Diff", id="changes"):
                yield DiffView()
        yield Footer()

    def on_mount(self) -> None:
        diff = self.query_one(DiffView)
        diff.empty = "This run changed nothing."
        diff.can_focus = True
        diff.load(_read(self._directory / history.PATCH))

    def _headline(self) -> Content:
        good = self._report.get("exit_status") == 0
        headline = cell(
            str(self._report.get("headline", "")), "$text-success" if good else "$text-warning"
        )
        return Content.assemble(("locum", "bold $text-primary"), "  ", headline)

    def action_tab(self, name: str) -> None:
        self.query_one(TabbedContent).active = name

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._text)
        self.notify("The Markdown is on the clipboard, if your terminal takes OSC 52.")

    @work
    async def action_save(self) -> None:
        name = await self.app.push_screen_wait(
            LineScreen("Save the Markdown to:", value="summary.md")
        )
        if not name:
            return
        target = Path(name).expanduser()
        if target.is_dir():
            target /= history.SUMMARY
        if target.exists():
            question = f"{target} is there already. Replace it?"
            if not await self.app.push_screen_wait(ConfirmScreen(question, "Replace")):
                return
        try:
            shutil.copyfile(self._directory / history.SUMMARY, target)
        except OSError as error:
            self.notify(f"{target}: {error.strerror}.", severity="error")
        else:
            self.notify(f"Saved to {target}.")

    def action_replay(self) -> None:
        self.post_message(messages.ShowRun(self._run_id, replay=True))

    def action_retry(self) -> None:
        self.post_message(messages.RetryRun(self._run_id))

    @work(thread=True)
    def action_propose(self) -> None:
        """Opens a pull request where `gh` or `glab` is; else the commands go to the clipboard."""
        from agent.errors import AgentError
        from agent.pull_request import propose
        from agent.report import Report
        from tools.errors import ToolsError

        def say(text: str, severity: SeverityLevel = "information") -> None:
            self.app.call_from_thread(
                self.notify, text, severity=severity, timeout=30, markup=False
            )

        report = Report.model_validate(self._report)
        try:
            proposed = propose(report, self._directory / history.SUMMARY, say)
        except (AgentError, ToolsError) as error:
            say(str(error), "error")
            return
        if proposed.url:
            say(f"Opened: {proposed.url}")
        else:
            commands = "\n".join(proposed.commands)
            self.app.call_from_thread(self.app.copy_to_clipboard, commands)
            say(f"{proposed.why}. What to type is on the clipboard:\n{commands}")

    @work
    async def action_undo(self) -> None:
        files = ", ".join(self._report.get("applied", ()))
        question = f"Take back what this run applied ({files})?"
        if await self.app.push_screen_wait(ConfirmScreen(question, "Take back")):
            self._undo()

    @work(thread=True)
    def _undo(self) -> None:
        from agent.undoing import undo
        from tools.errors import ToolsError

        try:
            undone = undo(self._run_id)
        except ToolsError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
        else:
            said = f"Taken back: {', '.join(undone)}"
            self.app.call_from_thread(self.notify, said, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        match action:
            case "propose":
                return bool(self._report.get("commit"))
            case "undo":
                return bool(self._report.get("applied"))
            case "replay":
                return (self._directory / home.EVENTS).is_file()
        return True


def _read(path: Path) -> str:
    try:
        return strip_control(path.read_text("utf-8", "replace"))
    except OSError:
        return ""


def _report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
