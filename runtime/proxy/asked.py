"""What the proxy has to know of a client's request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["chat", "text"]
MOST_SAMPLES = 256


class BadRequest(ValueError):
    """The request is not one; the text is one sentence."""


@dataclass(frozen=True)
class Asked:
    """One request: its body goes upstream, the rest is what healing depends on."""

    kind: Kind
    body: Mapping[str, Any]
    model: str
    stream: bool = False
    samples: int = 1
    counts: bool = False
    limit: int | None = None
    tools: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def path(self) -> str:
        """Below the base URL."""
        return "/chat/completions" if self.kind == "chat" else "/completions"

    def texts(self) -> list[str]:
        """All text of the prompt that any chat template shows the model."""
        if self.kind == "text":
            prompt = self.body.get("prompt")
            parts = prompt if isinstance(prompt, list) else [prompt]
            return [part for part in parts if isinstance(part, str)]
        return [text for message in self.body["messages"] for text in _texts(message)]


def understood(kind: Kind, body: Any) -> Asked:
    """The request in ``body``; raises BadRequest for what cannot be one."""
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("model: a name is needed")
    messages = body.get("messages")
    if kind == "chat" and not (
        isinstance(messages, list) and messages and all(isinstance(m, dict) for m in messages)
    ):
        raise BadRequest("messages: a list of at least one message is needed")
    options = body.get("stream_options")
    samples = body.get("n")
    if samples is not None and (not _whole(samples) or not 1 <= samples <= MOST_SAMPLES):
        raise BadRequest(f"n: a number from 1 to {MOST_SAMPLES} is needed")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Asked(
        kind=kind,
        body=body,
        model=model,
        stream=body.get("stream") is True,
        samples=samples or 1,
        counts=isinstance(options, dict) and options.get("include_usage") is True,
        limit=limit if _whole(limit) else None,
        tools=_tools(body) if kind == "chat" else (),
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _tools(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    given = body.get("tools")
    if not isinstance(given, list) or body.get("tool_choice") == "none":
        return ()
    functions = [tool.get("function") for tool in given if isinstance(tool, dict)]
    return tuple(
        function
        for function in functions
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    )


def _texts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        return []
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return [text for text in parts if isinstance(text, str)]
