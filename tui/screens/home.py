"""Where the interface opens: start on a repository, go on with a run, see what the machine has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Footer, Input, Select, Static

from tui import messages
from tui.screens.runs import RunsScreen
from tui.widgets.runlist import RunList
from tui.widgets.tickbox import TickBox

if TYPE_CHECKING:
    from agent.doctor import Finding
    from agent.history import Past

BUDGETS = {
    "1 minute": 60.0,
    "3 minutes": 180.0,
    "5 minutes": 300.0,
    "15 minutes": 900.0,
    "1 hour": 3600.0,
}
MARKS = {
    "ok": ("✓", "$text-success"),
    "warning": ("!", "$text-warning"),
    "failed": ("✗", "$text-error"),
}
SHOWN = 50
"""Runs in the list; the history has all."""
WELCOME = """\
No run yet on this machine. Name a repository above and press enter.

locum copies it, runs its tests, looks for edits that make them pass, and shows you the diff. \
Your files change only when you approve it; nothing leaves the machine.

The first run fetches the model once (1.1 GB)."""


class HomeScreen(RunsScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "start", "New run"),
        Binding("r", "resume", "Resume"),
        Binding("v", "replay", "See the run"),
        Binding("h", "app.history", "History"),
        Binding("q", "app.quit", "Quit"),
    ]
    HELP = """\
# Home

* `n` starts a run on the repository named above
* `enter` on a run opens its summary, `r` goes on with an unfinished one
* `h` searches all runs, `ctrl+p` finds any command
"""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                ("locum", "bold $text-primary"),
                ("  mends failing tests on this machine", "$muted"),
            ),
            id="title",
        )
        with Horizontal(id="home"):
            with Vertical(id="left"):
                with Vertical(id="start", classes="box"):
                    yield Input(
                        str(self._path or ""), placeholder="Path of a repository", id="path"
                    )
                    with Horizontal(classes="row"):
                        yield Select(
                            list(BUDGETS.items()),
                            value=300.0,
                            allow_blank=False,
                            id="budget",
                            compact=True,
                        )
                        yield TickBox("failing tests only", id="bugs", compact=True)
                        yield Button("Start (n)", variant="primary", id="go", compact=True)
                yield RunList(id="runs", most=SHOWN)
                yield Static(WELCOME, id="welcome", markup=False)
            with VerticalScroll(id="machine", classes="box"):
                yield Static("Looking …", id="findings", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#start").border_title = "Mend a repository"
        self.query_one("#runs").border_title = "Recent runs"
        self.query_one("#machine").border_title = "This machine"
        self.query_one("#welcome").display = False
        # After the first frame: what it imports takes longer than all the rest.
        self.call_after_refresh(self._examine)

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self._read_runs)

    @work(thread=True, exclusive=True, group="runs")
    def _read_runs(self) -> None:
        from agent import history

        self.app.call_from_thread(self._show_runs, tuple(history.runs()))

    def _show_runs(self, runs: tuple[Past, ...]) -> None:
        self.query_one(RunList).show(runs)
        self.query_one(RunList).display = bool(runs)
        self.query_one("#welcome").display = not runs
        if runs and not self._path and self.query_one("#path").has_focus:
            self.query_one(RunList).focus()

    @work(thread=True, exclusive=True, group="machine")
    def _examine(self) -> None:
        from agent import doctor
        from runtime.hardware import inspect
        from runtime.models import ModelStore

        found: list[Finding] = []
        hardware = inspect()
        checks: tuple[Callable[[], list[Finding]], ...] = (
            lambda: [doctor.model(ModelStore())],
            lambda: [doctor.memory(hardware)],
            lambda: [doctor.disk(ModelStore().root)],
            lambda: list(doctor.sandboxes()),
        )
        for check in checks:
            found += check()
            self.app.call_from_thread(self._show_findings, tuple(found))

    def _show_findings(self, found: tuple[Finding, ...]) -> None:
        lines = []
        for finding in found:
            mark, style = MARKS[finding.status]
            lines.append(Content.assemble((f"{mark} ", style), (finding.name, "bold")))
            lines.append(Content.styled(finding.found, "$muted"))
            if finding.remedy:
                lines.append(Content.styled(f"→ {finding.remedy}", style))
        self.query_one("#findings", Static).update(Content("\n").join(lines))

    # -- actions --------------------------------------------------------------------------------

    @on(Input.Submitted, "#path")
    @on(Button.Pressed, "#go")
    def action_start(self) -> None:
        text = self.query_one("#path", Input).value.strip()
        if not text:
            self.query_one("#path").focus()
            self.notify("Name a repository first.", severity="warning")
            return
        path = Path(text).expanduser().resolve()
        if not path.is_dir():
            self.notify(f"{path} is not a directory.", severity="error", markup=False)
            return
        seconds = float(self.query_one("#budget", Select).value)  # type: ignore[arg-type]
        bugs = self.query_one("#bugs", TickBox).value
        self.post_message(messages.StartRun(str(path), seconds, bugs_only=bugs))
