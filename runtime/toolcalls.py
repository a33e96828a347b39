"""Finds tool calls that a model wrote as text, while the text is still coming.

Small models seldom keep to the ``<tool_call>{…}</tool_call>`` they were shown. All shapes that
were seen are found: other tags, fenced and bare JSON, ``<function=name>`` with parameters,
mismatched or missing closing tags, several calls in a row, prose around them. Text is worked
through one character at a time, so how it was split into chunks cannot matter.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from runtime.call_json import Call
from runtime.call_region import CALL_LANGUAGES, CLOSERS, FENCE, Accept, Region

# A text with so many long false starts is no list of calls; looking on would take quadratic time.
_LONG, _PATIENCE = 200, 64


@dataclass(frozen=True)
class Text:
    """Content that is certainly not part of a call."""

    text: str


Event = Text | Call


class ToolCallParser:
    """Splits a reply into content and calls of the declared tools; use once.

    ``accept`` checks the arguments of a call; a call that it does not accept stays content.
    """

    def __init__(self, tool_names: Collection[str], accept: Accept | None = None) -> None:
        self._tools = frozenset(tool_names)
        self._accept: Accept = accept or (lambda call: call)
        self._events: list[Event] = []
        self._content: list[str] = []
        self._region: Region | None = None
        self._after: str | None = None
        self._fence_open = False
        self._line = ""
        self._in_code = False
        self._patience = _PATIENCE

    def feed(self, text: str) -> list[Event]:
        """Take more text; returns what has become certain."""
        self._work(deque(text))
        return self._drain()

    def finish(self) -> list[Event]:
        """No more text: returns the rest."""
        while self._region is not None:
            region, self._region = self._region, None
            if region.finish():
                self._found(region)
            else:
                self._work(deque(self._rejected(region)))
        self._after = None
        return self._drain()

    def _work(self, letters: deque[str]) -> None:
        while letters:
            letter = letters.popleft()
            if self._after is not None:
                letters.extendleft(reversed(self._take_after(letter)))
            elif self._region is not None:
                region = self._region
                if not region.feed(letter):
                    self._region = None
                    letters.extendleft(reversed(self._rejected(region)))
                elif region.calls:
                    self._region = None
                    self._found(region)
            elif self._may_open(letter):
                self._region = Region(self._tools, self._accept)
                if not self._region.feed(letter):
                    self._region = None
                    self._emit(letter)
            else:
                self._emit(letter)

    def _may_open(self, letter: str) -> bool:
        if not self._tools or self._in_code or self._patience <= 0:
            return False
        return letter == "<" or (letter in "{[`" and not self._line.strip())

    def _rejected(self, region: Region) -> str:
        """Emit the first character of what is no call; the rest is looked at again."""
        if len(region.text) > _LONG:
            self._patience -= 1
        # A fence must be seen whole by ``_emit``, or its rest would look like another one.
        certain = len(FENCE) if region.text.startswith(FENCE) else 1
        for letter in region.text[:certain]:
            self._emit(letter)
        return region.text[certain:]

    def _found(self, region: Region) -> None:
        self._flush()
        self._events.extend(region.calls)
        self._fence_open = (self._fence_open or region.fenced) and not region.text.endswith(FENCE)
        self._after = ""
        self._line = ""

    def _take_after(self, letter: str) -> str:
        """Swallow what closes a call; returns the characters that are something else."""
        self._after = (self._after or "") + letter
        rest = self._after.lstrip()
        closers = (*CLOSERS, FENCE) if self._fence_open else CLOSERS
        if rest in closers:
            self._fence_open = self._fence_open and rest != FENCE
            self._after = ""
        elif rest and not any(closer.startswith(rest) for closer in closers):
            held, self._after = self._after, None
            return held
        return ""

    def _emit(self, letter: str) -> None:
        self._content.append(letter)
        if letter == "\n":
            line = self._line.strip()
            if line.startswith(FENCE):
                language = line[len(FENCE) :].strip()
                self._in_code = not self._in_code and language not in CALL_LANGUAGES
            self._line = ""
        elif len(self._line) < _LONG:
            self._line += letter

    def _flush(self) -> None:
        if self._content:
            self._events.append(Text("".join(self._content)))
            self._content.clear()

    def _drain(self) -> list[Event]:
        self._flush()
        events, self._events = self._events, []
        return events
