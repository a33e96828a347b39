"""A run's events on disk, one a line, so that a front end can show the run again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from agent.events import EVENT, Event
from tools.redaction import redact_values


class EventLog:
    """Appends to one file, which a resumed run goes on with. The record, not this, is evidence."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def write(self, event: Event) -> None:
        entry = {"at": round(time.time(), 3), **event.model_dump(mode="json")}
        self._file.write(json.dumps(redact_values(entry), separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> Iterator[tuple[float, Event]]:
    """When (Unix seconds) and what; nothing where there is no log.

    A line that this version cannot read is passed over: it was cut off, or written by another.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                entry = json.loads(line)
                yield float(entry.pop("at")), EVENT.validate_python(entry)
            except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
                continue
