"""What past runs on this machine tell the search, kept beside the runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from agent import home
from agent.record import read
from agent.repair.schedule import History

FILE = "history.json"


def frozen(directory: Path) -> History:
    """The history as it was when the run in `directory` began; resuming finds the same order."""
    own = directory / FILE
    if not own.is_file():
        home.put(own, _load(home.state_root() / FILE).model_dump_json())
    return _load(own)


def learn(record: Path) -> None:
    """Add a run that has ended; of two that end at once, one may be lost."""
    file = home.state_root() / FILE
    text = _load(file).learned(read(record)).model_dump_json()
    home.put(file, text)


def _load(file: Path) -> History:
    """Empty when there is none, or none that can be read: estimates need no history."""
    try:
        return History.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValidationError):
        return History()
