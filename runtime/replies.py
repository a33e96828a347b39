"""Chat answers in OpenAI's shape: whole, or as the events of a stream."""

import json
import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime import scores, tool_schema
from runtime.call_json import Call
from runtime.engine_api import Generated, Sample
from runtime.toolcalls import Event, Text, ToolCallParser


def new_id(kind: str) -> str:
    """A fresh id such as ``chatcmpl-…``."""
    return f"{kind}-{secrets.token_hex(12)}"


def usage(prompt: int, completion: int, cached: int) -> dict[str, Any]:
    """Token counts of a request."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def generation_usage(generated: Generated) -> dict[str, Any]:
    """Token counts over all samples."""
    completion = sum(sample.tokens for sample in generated.samples)
    return usage(generated.prompt_tokens, completion, generated.cached_tokens)


@dataclass(frozen=True)
class Calls:
    """The functions that may be called; ``parallel``: more than once in one answer."""

    functions: Sequence[Mapping[str, Any]] = ()
    parallel: bool = True

    def parser(self) -> ToolCallParser:
        """What finds calls in the text of one sample."""
        return tool_schema.parser(self.functions)

    def most(self, events: list[Event], before: int) -> list[Event]:
        """The events without the calls that are too many, when there were ``before`` already."""
        if self.parallel:
            return events
        found = [event for event in events if isinstance(event, Call)]
        kept = found[: max(0, 1 - before)]
        return [event for event in events if isinstance(event, Text) or event in kept]


def whole(model: str, generated: Generated, calling: Calls) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    choices = []
    for index, sample in enumerate(generated.samples):
        parser = calling.parser()
        events = [*parser.feed(sample.text), *parser.finish()]
        events = calling.most(events, 0)
        text = "".join(event.text for event in events if isinstance(event, Text))
        calls = [_opened(event) for event in events if isinstance(event, Call)]
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message |= {"content": text.strip() or None, "tool_calls": calls}
        finish = "tool_calls" if calls and sample.finish == "stop" else sample.finish
        odds = scores.chat(sample.scores) if sample.scores else None
        choices.append(
            {"index": index, "message": message, "finish_reason": finish, "logprobs": odds}
        )
    return {
        "id": new_id("chatcmpl"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        "usage": generation_usage(generated),
    }


class Writer(Protocol):
    """Puts one streamed answer into server-sent events; each method gives zero or more."""

    def opening(self) -> str: ...

    def sign(self) -> str: ...

    def text(self, index: int, text: str) -> str: ...

    def closing(self, index: int, sample: Sample) -> str: ...

    def last(self, fields: dict[str, Any]) -> str: ...


class ChunkWriter:
    """Writes the server-sent events of one streamed answer."""

    def __init__(self, model: str, samples: int, calling: Calls) -> None:
        self._frame = {
            "id": new_id("chatcmpl"),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._calling = calling
        self._parsers = [calling.parser() for _ in range(samples)]
        self._calls = [0] * samples

    def opening(self) -> str:
        """The role of every sample, sent before the prompt is even read."""
        role = {"role": "assistant", "content": ""}
        return "".join(self._choice(index, role) for index in range(len(self._parsers)))

    def sign(self) -> str:
        """A sign of life without content."""
        return self._choice(0, {"content": ""})

    def text(self, index: int, text: str) -> str:
        """New text of a sample; empty while it may still become a call."""
        return "".join(self._deltas(index, self._parsers[index].feed(text)))

    def closing(self, index: int, sample: Sample) -> str:
        """The end of a sample, with the scores of all its tokens if they were asked for."""
        last = "".join(self._deltas(index, self._parsers[index].finish()))
        reason = "tool_calls" if self._calls[index] and sample.finish == "stop" else sample.finish
        odds = scores.chat(sample.scores) if sample.scores else None
        return last + self._choice(index, {}, reason, odds)

    def last(self, fields: dict[str, Any]) -> str:
        """The event that ``include_usage`` asks for: no choice, but the token counts."""
        return sse(self._frame | {"choices": []} | fields)

    def _deltas(self, index: int, events: list[Event]) -> Iterator[str]:
        for event in self._calling.most(events, self._calls[index]):
            if isinstance(event, Text):
                yield self._choice(index, {"content": event.text})
                continue
            at = self._calls[index]
            self._calls[index] += 1
            call = _opened(event)
            call["function"] = {"name": event.name, "arguments": ""}
            yield self._choice(index, {"tool_calls": [{"index": at} | call]})
            # Clients join what is repeated, so name and id are sent once only.
            rest = {"index": at, "function": {"arguments": event.arguments}}
            yield self._choice(index, {"tool_calls": [rest]})

    def _choice(
        self,
        index: int,
        delta: dict[str, Any],
        finish: str | None = None,
        odds: dict[str, Any] | None = None,
    ) -> str:
        choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": odds}
        return sse(self._frame | {"choices": [choice]})


def sse(value: dict[str, Any]) -> str:
    """One server-sent event; in ASCII, because half of a surrogate pair cannot be encoded."""
    return f"data: {json_text(value)}\n\n"


def json_text(value: Any) -> str:
    """JSON of any value that was JSON; numbers that are not finite become null."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _opened(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": new_id("call"), "type": "function", "function": function}
