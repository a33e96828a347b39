"""All runs of this machine, searched as you type."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static

from tui.screens.runs import RunsScreen
from tui.widgets.runlist import RunList

if TYPE_CHECKING:
    from agent.history import Past


class HistoryScreen(RunsScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("r", "resume", "Resume"),
        Binding("v", "replay", "See the run"),
        Binding("escape", "back", "Back"),
    ]
    HELP = """\
# History

Type to search by repository, result or run id; every word must occur.
`enter` opens the summary, `v` shows the run's events again, `r` goes on with an unfinished one.
"""

    def compose(self) -> ComposeResult:
        yield Static("locum  history", id="title", markup=False)
        yield Input(placeholder="Search: repository, result, run id", id="search")
        yield RunList(id="runs")
        yield Footer()

    def on_mount(self) -> None:
        self._read()

    def on_screen_resume(self) -> None:
        self._read()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        from agent import history

        self.app.call_from_thread(self._show, tuple(history.runs()))

    def _show(self, runs: tuple[Past, ...]) -> None:
        self.query_one(RunList).show(runs)

    @on(Input.Changed)
    def _searched(self, event: Input.Changed) -> None:
        self.query_one(RunList).search(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one(RunList).focus()

    def action_search(self) -> None:
        self.query_one(Input).focus()

    def action_back(self) -> None:
        if self.query_one(Input).has_focus and self.query_one(Input).value:
            self.query_one(Input).value = ""
        else:
            self.app.pop_screen()
