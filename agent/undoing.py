"""Taking back what a run applied."""

from __future__ import annotations

from pathlib import Path

from agent import home
from agent.record import Record
from tools.lock import RepositoryLock
from tools.workspace import Workspace


def undo(run_id: str) -> tuple[str, ...]:
    """The files that are as they were before the run.

    Raises NoSuchRun, and ToolsError when one of them was changed since: then none is touched.
    """
    task, directory = home.find_run(run_id)
    with RepositoryLock(Path(task.path), run_id, state=home.state_root()):
        workspace = Workspace.open(directory / home.WORKSPACE)
        try:
            undone = workspace.undo()
        finally:
            workspace.close()
        record = Record(directory / home.RECORD)
        record.write("undone", files=undone)
        record.close()
    return undone
