"""Tells of parts of the search that a run goes on without, for a mistake of our own."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from agent.events import Event, Note
from agent.record import Record

MISTAKE = "mistake"
"""Kind of the record's entries: the part, and where in the code it failed."""


class LeftOut:
    """Each part is told of once, however often it fails: an edit is tried at hundreds of places."""

    def __init__(self, record: Record, emit: Callable[[Event], None]) -> None:
        self._record, self._emit = record, emit
        self._told: set[str] = set()

    def __call__(self, part: str, mistake: Exception) -> None:
        if part in self._told:
            return
        self._told.add(part)
        said = f"{type(mistake).__name__}: {mistake}"
        where = "".join(traceback.format_exception(mistake))
        self._record.write(MISTAKE, part=part, error=said, traceback=where)
        text = (
            f"{part} met an error of its own ({said}); the search goes on without. "
            "Please report it: the run's record says where it happened."
        )
        self._emit(Note(text=text, level="warning"))
