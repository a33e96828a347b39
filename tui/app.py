"""The terminal interface: this file only wires screens, themes and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui import messages
from tui.options import Options
from tui.themes import DARK, THEMES, quiet_colours

if TYPE_CHECKING:
    from agent.runner import Run


class LocumApp(App[None]):
    """Opens on the home screen, or on a run of `path` that the user confirms there."""

    TITLE = "locum"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as textual has it
        (0, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "toggle_help", "Help", key_display="?"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        path: Path | None = None,
        *,
        theme: str = DARK.name,
        options: Options | None = None,
        replay: str = "",
    ) -> None:
        """`replay` is the id of a run whose events are shown above the home screen."""
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self._path = path
        self._options = options or Options()
        self._replay = replay

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return quiet_colours(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        from tui.screens.home import HomeScreen

        return HomeScreen(self._path)

    def on_mount(self) -> None:
        if self._replay:
            self.post_message(messages.ShowRun(self._replay, replay=True))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        yield SystemCommand("History", "Search the runs of this machine", self.action_history)
        # All of the screen's own keys: a field that is being typed in takes some of them itself.
        for binding in screen.BINDINGS:
            if isinstance(binding, Binding) and binding.show:
                name = binding.action.partition("(")[0]
                if screen.check_action(name, ()):
                    run = partial(screen.run_action, binding.action)
                    yield SystemCommand(binding.description, f"Key {binding.key}", run)

    def action_toggle_help(self) -> None:
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_history(self) -> None:
        from tui.screens.history import HistoryScreen

        if not isinstance(self.screen, HistoryScreen):
            self.push_screen(HistoryScreen())

    # -- runs -----------------------------------------------------------------------------------

    @on(messages.StartRun)
    def start_run(self, wanted: messages.StartRun) -> None:
        def make() -> Run:
            from agent import runner

            return runner.start(
                self._options.task(wanted.path, wanted.budget_seconds, bugs_only=wanted.bugs_only)
            )

        self._open(make)

    @on(messages.RetryRun)
    def retry_run(self, wanted: messages.RetryRun) -> None:
        def make() -> Run:
            from agent import home, runner

            task, _ = home.find_run(wanted.run_id)
            return runner.start(task.model_copy(update={"budget_seconds": 2 * task.budget_seconds}))

        self._open(make)

    @on(messages.ResumeRun)
    def resume_run(self, wanted: messages.ResumeRun) -> None:
        def make() -> Run:
            from agent import runner

            return runner.resume(wanted.run_id)

        self._open(make)

    @on(messages.ShowRun)
    def show_run(self, wanted: messages.ShowRun) -> None:
        from agent import history, home
        from tui.driver import Replay
        from tui.screens.run import RunScreen
        from tui.screens.summary import SummaryScreen

        directory = home.runs_root() / wanted.run_id
        if not wanted.replay and (directory / history.SUMMARY).is_file():
            self.push_screen(SummaryScreen(wanted.run_id))
        elif (directory / home.EVENTS).is_file():
            self.push_screen(RunScreen(replay=Replay.of(directory / home.EVENTS)))
        else:
            self.notify(f"Run {wanted.run_id} has no event log to show.", severity="warning")

    def _open(self, make: Callable[[], Run]) -> None:
        """A run's own screen straight above the home screen."""
        from tui.screens.run import RunScreen

        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(RunScreen(make))
