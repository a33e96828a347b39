"""Bytes of tokens become text: never half a character, never part of a stop string."""

import codecs
from collections.abc import Sequence


def held_back(text: str, marks: Sequence[str]) -> int:
    """Length of the longest end of ``text`` that may still grow into one of ``marks``."""
    longest = min(len(text), max((len(mark) for mark in marks), default=1) - 1)
    for length in range(longest, 0, -1):
        end = text[-length:]
        if any(mark.startswith(end) for mark in marks):
            return length
    return 0


class TextStream:
    """Turns the bytes of successive tokens into text up to the first stop string."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = tuple(mark for mark in stop if mark)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._parts: list[str] = []
        self.stopped = False

    @property
    def text(self) -> str:
        """Everything emitted so far."""
        return "".join(self._parts)

    def push(self, piece: bytes) -> str:
        """Take the bytes of one token; returns the text that is now certain."""
        return self._take(self._decoder.decode(piece))

    def finish(self) -> str:
        """No more tokens: returns what was held back."""
        ready = self._take(self._decoder.decode(b"", final=True))
        if not self.stopped:
            ready += self._emit(self._held)
            self._held = ""
        return ready

    def _take(self, text: str) -> str:
        if self.stopped:
            return ""
        self._held += text
        cuts = [at for mark in self._stop if (at := self._held.find(mark)) >= 0]
        if cuts:
            self.stopped = True
            return self._emit(self._held[: min(cuts)])
        keep = held_back(self._held, self._stop)
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return self._emit(ready)

    def _emit(self, text: str) -> str:
        if text:
            self._parts.append(text)
        return text
