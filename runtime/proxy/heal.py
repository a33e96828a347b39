"""Turns what an upstream says, whole or in pieces, into the chunks that clients need."""

import time
from collections.abc import Iterator
from typing import Any

from runtime import tool_schema
from runtime.proxy.asked import Asked
from runtime.proxy.calls import CallPieces
from runtime.proxy.quirks import Memory, Quirk
from runtime.replies import new_id
from runtime.toolcalls import Event, Text

Chunk = dict[str, Any]
_FRAME = ("id", "object", "created", "model")
_OURS = ("choices", "error")
_HANDLED = ("role", "content", "tool_calls")
_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
_OTHER_REASONS = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
}


class Healer:
    """One answer, from its first chunk to its last; a whole answer counts as one chunk."""

    def __init__(self, asked: Asked, memory: Memory) -> None:
        self._asked = asked
        self._memory = memory
        self._choices: dict[int, _Choice] = {}
        self._offset = 0
        self._frame = {
            "id": new_id("chatcmpl" if asked.kind == "chat" else "cmpl"),
            "object": "chat.completion.chunk" if asked.kind == "chat" else "text_completion",
            "created": int(time.time()),
            "model": asked.model,
        }
        self._upstream_id = ""
        self.usage: dict[str, Any] | None = None

    @property
    def begun(self) -> int:
        """How many samples the upstream gave so far."""
        return sum(choice.begun for choice in self._choices.values())

    @property
    def finished(self) -> bool:
        """Whether the upstream ended every sample that was asked for."""
        ended = sum(choice.reason != "" for choice in self._choices.values())
        return ended >= self._asked.samples

    def opening(self) -> Iterator[Chunk]:
        """The role of every sample, or its empty text."""
        for index in range(self._asked.samples):
            yield self._chunk(self._choice(index).opening())

    def sign(self) -> Chunk:
        """A sign of life that adds nothing."""
        choice = _Choice(0, self._asked, self._memory)
        return self._chunk(choice.piece({"content": ""}))

    def again(self) -> None:
        """What comes now answers another request, for the samples that are missing."""
        self._offset = self.begun
        self._upstream_id = ""

    def take(self, chunk: Chunk) -> Iterator[Chunk]:
        """A chunk, or a whole answer, of the upstream."""
        self._take_frame(chunk)
        choices = chunk.get("choices")
        choices = choices if isinstance(choices, list) else []
        choices = [choice for choice in choices if isinstance(choice, dict)]
        self._take_usage(chunk.get("usage"), beside=any("delta" in choice for choice in choices))
        extras = {key: value for key, value in chunk.items() if self._passes(key)}
        for position, given in enumerate(choices):
            index = given.get("index")
            if not isinstance(index, int) or isinstance(index, bool) or index < 0:
                self._memory.note(Quirk.INDEX)
                index = position
            raw = {} if self._memory.heals(Quirk.INDEX) else {"index": given.get("index")}
            for piece in self._choice(self._offset + index).take(given):
                yield self._chunk(piece | raw) | extras

    def _passes(self, key: str) -> bool:
        """Whether a field of a chunk is passed on as it is."""
        if key == "usage":
            return self._asked.stream and not self._memory.heals(Quirk.USAGE)
        return key not in _OURS and (key not in _FRAME or not self._memory.heals(Quirk.FRAME))

    def close(self) -> Iterator[Chunk]:
        """The end of every sample, and the token counts if they were asked for."""
        spent = (self.usage or {}).get("completion_tokens")
        for choice in [c for _, c in sorted(self._choices.items()) if c.begun]:
            for piece in choice.close(spent if self._asked.samples == 1 else None):
                yield self._chunk(piece)
        apart = self._memory.heals(Quirk.USAGE) or not self._memory.seen[Quirk.USAGE]
        if self._asked.counts and self.usage is not None and apart:
            yield self._frame | {"choices": [], "usage": self.usage}

    def _choice(self, index: int) -> "_Choice":
        if index not in self._choices:
            self._choices[index] = _Choice(index, self._asked, self._memory)
        return self._choices[index]

    def _take_frame(self, chunk: Chunk) -> None:
        """The upstream's own id is not used: the opening was sent before it was known."""
        own_id = chunk.get("id")
        if not isinstance(own_id, str) or not own_id or own_id != (self._upstream_id or own_id):
            self._memory.note(Quirk.FRAME)
        elif not self._upstream_id:
            self._upstream_id = own_id

    def _take_usage(self, usage: Any, *, beside: bool) -> None:
        if not isinstance(usage, dict):
            return
        if beside and self._asked.stream:
            self._memory.note(Quirk.USAGE)
        if self._offset and self.usage is not None:
            made = _count(self.usage, "completion_tokens") + _count(usage, "completion_tokens")
            total = made + _count(self.usage, "prompt_tokens")
            self.usage = self.usage | {"completion_tokens": made, "total_tokens": total}
        else:
            self.usage = usage

    def _chunk(self, choice: dict[str, Any]) -> Chunk:
        return self._frame | {"choices": [choice]}


class _Choice:
    """One sample."""

    def __init__(self, index: int, asked: Asked, memory: Memory) -> None:
        self.begun = False
        self.reason = ""
        self._index = index
        self._chat = asked.kind == "chat"
        self._limit = asked.limit
        self._memory = memory
        self._calls = CallPieces(memory)
        heal = asked.tools and memory.heals(Quirk.TOOL_TEXT)
        self._parser = tool_schema.parser(asked.tools) if heal else None

    def opening(self) -> dict[str, Any]:
        return self.piece({"role": "assistant", "content": ""})

    def take(self, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A choice of the upstream."""
        self.begun = True
        odds = given.get("logprobs")
        for piece in self._pieces(given):
            yield piece | {"logprobs": odds}
            odds = None
        if odds is not None:
            yield self.piece({"content": ""}) | {"logprobs": odds}
        reason = given.get("finish_reason")
        if reason is not None:
            self.reason = self._known(reason)

    def close(self, spent: Any) -> Iterator[dict[str, Any]]:
        """What was held back, and why the sample ended."""
        if self._parser is not None:
            yield from self._events(self._parser.finish())
        for entry in self._calls.finish():
            yield self.piece({"tool_calls": [entry]})
        if not self.reason:
            self._memory.note(Quirk.FINISH)
            if not self._memory.heals(Quirk.FINISH):
                return
            cut = isinstance(spent, int) and self._limit is not None and spent >= self._limit
            self.reason = "length" if cut else "stop"
        if len(self._calls) and self.reason == "stop" and self._memory.heals(Quirk.FINISH):
            self.reason = "tool_calls"
        yield self.piece({}) | {"finish_reason": self.reason}

    def piece(self, delta: dict[str, Any]) -> dict[str, Any]:
        """A choice of a chunk."""
        frame = {"index": self._index, "finish_reason": None, "logprobs": None}
        return frame | ({"delta": delta} if self._chat else {"text": delta.get("content", "")})

    def _pieces(self, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not self._chat:
            text = given.get("text")
            if isinstance(text, str) and text:
                yield self.piece({"content": text})
            return
        delta = given.get("delta") or given.get("message")
        if not isinstance(delta, dict):
            return
        extras = {k: v for k, v in delta.items() if k not in _HANDLED and v is not None}
        if extras:
            yield self.piece(extras)
        yield from self._content(delta.get("content"))
        parts = delta.get("tool_calls")
        for part in parts if isinstance(parts, list) else ():
            for entry in self._calls.take(part):
                yield self.piece({"tool_calls": [entry]})

    def _content(self, content: Any) -> Iterator[dict[str, Any]]:
        if isinstance(content, list):
            content = "".join(p["text"] for p in content if isinstance(p, dict) and "text" in p)
        if not isinstance(content, str) or not content:
            return
        if self._parser is None:
            yield self.piece({"content": content})
        else:
            yield from self._events(self._parser.feed(content))

    def _events(self, events: list[Event]) -> Iterator[dict[str, Any]]:
        for event in events:
            if isinstance(event, Text):
                yield self.piece({"content": event.text})
                continue
            self._memory.note(Quirk.TOOL_TEXT)
            for entry in self._calls.found(event.name, event.arguments):
                yield self.piece({"tool_calls": [entry]})

    def _known(self, reason: Any) -> str:
        if reason in _REASONS:
            if len(self._calls) and reason == "stop" and self._parser is None:
                self._memory.note(Quirk.FINISH)
            return str(reason)
        self._memory.note(Quirk.FINISH)
        if not self._memory.heals(Quirk.FINISH):
            return str(reason)
        return _OTHER_REASONS.get(str(reason).lower(), "stop")


def _count(usage: dict[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) else 0
