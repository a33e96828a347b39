"""What screens ask the app for: messages go up, nobody reaches across."""

from __future__ import annotations

from textual.message import Message


class StartRun(Message):
    """Mend a repository."""

    def __init__(self, path: str, budget_seconds: float, *, bugs_only: bool = False) -> None:
        super().__init__()
        self.path, self.budget_seconds, self.bugs_only = path, budget_seconds, bugs_only


class RetryRun(Message):
    """The task of a run once more, as a new run with a larger budget."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


class ResumeRun(Message):
    """Go on with a run that was interrupted."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


class ShowRun(Message):
    """The summary of a run, or its events as far as it got."""

    def __init__(self, run_id: str, *, replay: bool = False) -> None:
        super().__init__()
        self.run_id, self.replay = run_id, replay
