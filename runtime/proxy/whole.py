"""Healed chunks put together again, for a client that does not stream."""

from collections.abc import Iterable
from typing import Any

from runtime.proxy.asked import Kind

Chunk = dict[str, Any]


def put_together(kind: Kind, chunks: Iterable[Chunk]) -> dict[str, Any]:
    """The one object that says what the chunks say."""
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        answer |= {key: value for key, value in chunk.items() if key != "choices"}
        for piece in chunk["choices"]:
            place = piece["index"] if isinstance(piece["index"], int) else 0
            choice = choices.setdefault(place, {"index": piece["index"]})
            _add(kind, choice, piece)
    answer["object"] = "chat.completion" if kind == "chat" else "text_completion"
    answer["choices"] = [_done(choice) for _, choice in sorted(choices.items())]
    return answer


def _add(kind: Kind, choice: dict[str, Any], piece: dict[str, Any]) -> None:
    choice["finish_reason"] = piece["finish_reason"]
    choice["logprobs"] = _joined(choice.get("logprobs"), piece["logprobs"])
    if kind == "text":
        choice["text"] = choice.get("text", "") + piece["text"]
        return
    message = choice.setdefault("message", {"role": "assistant", "content": ""})
    for key, value in piece["delta"].items():
        if key == "tool_calls":
            for entry in value:
                _add_call(message.setdefault("tool_calls", []), entry)
        elif key == "role":
            message[key] = value
        elif isinstance(value, str):
            message[key] = (message.get(key) or "") + value
        else:
            message[key] = value


def _add_call(calls: list[dict[str, Any]], entry: dict[str, Any]) -> None:
    function = entry.get("function") or {}
    at = entry.get("index")
    if not isinstance(at, int) or not 0 <= at < len(calls):
        opened = {key: value for key, value in entry.items() if key != "index"}
        calls.append(opened | {"function": dict(function)})
        return
    known = calls[at]["function"]
    before, more = known.get("arguments") or "", function.get("arguments")
    if isinstance(before, str) and isinstance(more, str):
        more = before + more
    known["arguments"] = more


def _done(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    if message and message.get("tool_calls"):
        message["content"] = message["content"].strip() or None
    return choice


def _joined(before: Any, more: Any) -> Any:
    """Log-probabilities come in lists, one entry a token."""
    if not isinstance(before, dict) or not isinstance(more, dict):
        return more if before is None else before
    joined = dict(before)
    for key, value in more.items():
        known = joined.get(key)
        both = isinstance(known, list) and isinstance(value, list)
        joined[key] = known + value if both else value
    return joined
