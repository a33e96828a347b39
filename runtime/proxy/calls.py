"""Tool calls in an upstream's stream: pieces that name their call wrongly, or not at all."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runtime.proxy.quirks import Memory, Quirk
from runtime.replies import json_text, new_id


@dataclass
class _Call:
    """A call while its pieces come in; ``place`` is where the upstream said it stands."""

    at: int
    place: int | None
    id: str
    name: str = ""
    arguments: str = ""
    opened: bool = False
    waiting: str = ""


class CallPieces:
    """The calls of one choice, counted anew from 0, each opened once."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._calls: list[_Call] = []

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, part: Any) -> Iterator[dict[str, Any]]:
        """One entry of a ``tool_calls`` list; the entries that a client should get for it."""
        if not isinstance(part, dict):
            return
        if not self._memory.heals(Quirk.INDEX):
            yield part
            return
        function = part.get("function")
        if not isinstance(function, dict):
            function = part
        name, own_id = _text(function.get("name")), _text(part.get("id"))
        given = function.get("arguments")
        call = self._call(part.get("index"), own_id, name)
        repeated = call.opened and bool(own_id or name)
        left = [
            repeated and self._left_alone(Quirk.REPEATS),
            not isinstance(given, str | None) and self._left_alone(Quirk.ARGUMENTS),
        ]
        call.name = call.name or name
        if any(left):
            call.opened = True
            call.arguments += str(given)
            yield part | {"index": call.at}
            return
        call.waiting += _text(given) if isinstance(given, str | None) else json_text(given)
        yield from _ready(call)

    def _left_alone(self, quirk: Quirk) -> bool:
        """It was seen: whether it is to stay as it is."""
        self._memory.note(quirk)
        return not self._memory.heals(quirk)

    def found(self, name: str, arguments: str) -> Iterator[dict[str, Any]]:
        """A whole call that was found in text."""
        call = self._new(None, "")
        call.name, call.waiting = name, arguments
        yield from _ready(call)

    def finish(self) -> Iterator[dict[str, Any]]:
        """No more pieces: a call without arguments has none, which in JSON is an object."""
        for call in self._calls:
            if call.opened and not call.arguments:
                call.waiting = "{}"
                yield from _ready(call)

    def _call(self, index: Any, own_id: str, name: str) -> _Call:
        """The call that a piece belongs to."""
        place = index if isinstance(index, int) and not isinstance(index, bool) else None
        if place is None:
            self._memory.note(Quirk.INDEX)
            return self._by_content(own_id, name)
        known = next((c for c in reversed(self._calls) if c.place == place), None)
        if known is None:
            fresh = self._new(place, own_id)
            if place != fresh.at:
                self._memory.note(Quirk.INDEX)
            return fresh
        if own_id and name and own_id != known.id:
            # Some servers say 0 for every call.
            self._memory.note(Quirk.INDEX)
            return self._new(place, own_id)
        return known

    def _by_content(self, own_id: str, name: str) -> _Call:
        """Without an index a new id, or a name after complete arguments, begins a call."""
        by_id = next((call for call in self._calls if own_id and call.id == own_id), None)
        if by_id is not None:
            return by_id
        last = self._calls[-1] if self._calls else None
        if last is None or own_id or (name and (name != last.name or _complete(last))):
            return self._new(None, own_id)
        return last

    def _new(self, place: int | None, own_id: str) -> _Call:
        call = _Call(len(self._calls), place, own_id or new_id("call"))
        self._calls.append(call)
        return call


def _ready(call: _Call) -> Iterator[dict[str, Any]]:
    """What can be told by now: nothing before the name is known."""
    if not call.opened and call.name:
        call.opened = True
        function = {"name": call.name, "arguments": ""}
        yield {"index": call.at, "id": call.id, "type": "function", "function": function}
    if call.opened and call.waiting:
        yield {"index": call.at, "function": {"arguments": call.waiting}}
        call.arguments += call.waiting
        call.waiting = ""


def _complete(call: _Call) -> bool:
    try:
        json.loads(call.arguments)
    except (ValueError, RecursionError):
        return False
    return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
