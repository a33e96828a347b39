"""JSON lines through a pipe."""

from __future__ import annotations

import json
import os
from typing import Any


class Channel:
    """The writing end of a pipe; only the process that made the object can write."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._owner = os.getpid()

    def send(self, event: str, **fields: Any) -> None:
        """Write one event; in a process forked from the owner (by a test) do nothing."""
        if os.getpid() != self._owner:
            return
        fields["e"] = event
        write_all(self.descriptor, json.dumps(fields, separators=(",", ":")).encode() + b"\n")


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, however small the pipe is."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class LineBuffer:
    """Complete lines out of the pieces that a pipe delivers."""

    LONGEST = 64 * 1024 * 1024

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that `piece` completes, without their line ends.

        Raises `ValueError` when a line grows past any size that the worker itself writes.
        """
        self._rest += piece
        if b"\n" not in piece:
            if len(self._rest) > self.LONGEST:
                raise ValueError("endless line")
            return []
        lines = bytes(self._rest).split(b"\n")
        self._rest = bytearray(lines.pop())
        return lines
