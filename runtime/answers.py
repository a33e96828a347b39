"""What the client gives and takes: plain values, and a sample while its stream comes in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.call_json import Call
from runtime.toolcalls import Text, ToolCallParser


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers; ``base_url`` ends with ``/v1``; empty ``model``: the first one."""

    base_url: str
    token: str = "local"
    model: str = ""
    context: int = 0
    """Tokens that the model can hold; 0 where nobody said."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one request; ``cached_tokens`` of the prompt were not computed again."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    @classmethod
    def of(cls, given: Any) -> "Usage":
        """From an answer's `usage`, parts of which some servers leave out."""
        cached = given.prompt_tokens_details and given.prompt_tokens_details.cached_tokens
        return cls(given.prompt_tokens or 0, given.completion_tokens or 0, cached or 0)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asks for; ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Answer:
    """``n`` samples; ``tool_calls`` are those of the first one; ``seconds`` is wall time."""

    texts: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...]
    finish: tuple[str, ...]
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class Branch:
    """The model's own text instead of characters ``offset`` to ``end`` of the forced answer.

    ``log_probability`` (nats) is summed over the new tokens; ``surprise`` is by how many nats
    the model prefers them to what the forced answer has there; ``finished``: the end of the
    line, or of the block, was reached within the limit.
    """

    offset: int
    end: int
    text: str
    log_probability: float
    surprise: float
    finished: bool


class IncomingSample:
    """One sample while its stream comes in."""

    def __init__(self) -> None:
        self.text = ""
        self.finish = "stop"
        self.calls: dict[int, dict[str, str]] = {}

    def take(self, choice: Any) -> str:
        """One choice of a stream's event, of a chat or of plain text; returns its new text."""
        self.finish = choice.finish_reason or self.finish
        if hasattr(choice, "delta"):
            for position, part in enumerate(choice.delta.tool_calls or ()):
                self.add_call(position, part)
            text = choice.delta.content or ""
        else:
            text = choice.text or ""
        self.text += text
        return str(text)

    def add_call(self, position: int, part: Any) -> None:
        """Take a piece of a call, the ``position``-th of its event."""
        # Some servers leave the index of a call out.
        at = position if part.index is None else part.index
        call = self.calls.setdefault(at, {"id": "", "name": "", "arguments": ""})
        call["id"] = call["id"] or part.id or ""
        if part.function is not None:
            call["name"] = call["name"] or part.function.name or ""
            call["arguments"] += part.function.arguments or ""

    def tool_calls(self, tools: Sequence[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
        """The calls; also those that the server left in the text."""
        if self.calls or not tools:
            given = [call for _, call in sorted(self.calls.items())]
        else:
            parser = ToolCallParser([tool["function"]["name"] for tool in tools])
            events = [*parser.feed(self.text), *parser.finish()]
            found = [event for event in events if isinstance(event, Call)]
            given = [{"id": "", "name": call.name, "arguments": call.arguments} for call in found]
            if found:
                self.text = "".join(e.text for e in events if isinstance(e, Text)).strip()
                self.finish = "tool_calls"
        return tuple(
            ToolCall(call["id"] or f"call_{at}", call["name"], call["arguments"] or "{}")
            for at, call in enumerate(given)
        )
