"""What every screen with a list of runs can do with the chosen one."""

from __future__ import annotations

from textual import on
from textual.screen import Screen

from tui import messages
from tui.widgets.runlist import RunList


class RunsScreen(Screen[None]):
    def action_resume(self) -> None:
        if (run := self.query_one(RunList).chosen) is not None and run.exit_status is None:
            self.post_message(messages.ResumeRun(run.run_id))

    def action_replay(self) -> None:
        if (run := self.query_one(RunList).chosen) is not None:
            self.post_message(messages.ShowRun(run.run_id, replay=True))

    @on(RunList.OptionSelected)
    def _opened(self) -> None:
        if (run := self.query_one(RunList).chosen) is not None:
            self.post_message(messages.ShowRun(run.run_id))
