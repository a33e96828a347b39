"""The chat templates of the model families, written out here.

A template inside a GGUF file is a program from whoever made the file, so it is never run. Only
the markers are special: text of a message can never become a control token.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.engine_api import Prompt, Segment

_SYSTEM = {
    "qwen2": "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "chatml": "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
}
_TOOLS_HEAD = (
    "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
_TOOLS_TAIL = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)
_START, _END = Segment("<|im_start|>", special=True), Segment("<|im_end|>", special=True)


class UnknownFamily(ValueError):
    """There is no template for this model family."""


def families() -> frozenset[str]:
    """The families that have a template."""
    return frozenset(_SYSTEM)


def render(
    family: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
) -> Prompt:
    """The prompt that asks for the assistant's next message; raises UnknownFamily."""
    if family not in _SYSTEM:
        raise UnknownFamily(f"there is no chat template for models of the family {family!r}")
    rest = list(messages)
    system = _SYSTEM[family]
    if rest and rest[0]["role"] in ("system", "developer"):
        system = _content(rest.pop(0))
    turns = [("system", system + _tools_section(tools))]
    for message in rest:
        role = "system" if message["role"] == "developer" else str(message["role"])
        if role != "tool":
            turns.append((role, _body(message)))
            continue
        response = f"<tool_response>\n{_content(message)}\n</tool_response>"
        if turns[-1][0] == "tool":
            response = f"{turns.pop()[1]}\n{response}"
        turns.append(("tool", response))
    prompt: list[Segment] = []
    for role, body in turns:
        name = "user" if role == "tool" else role
        prompt += [_START, Segment(f"{name}\n{body}"), _END, Segment("\n")]
    return [*prompt, _START, Segment("assistant\n")]


def _tools_section(tools: Sequence[Mapping[str, Any]]) -> str:
    if not tools:
        return ""
    lines = "".join("\n" + json.dumps(tool, ensure_ascii=False) for tool in tools)
    return _TOOLS_HEAD + lines + _TOOLS_TAIL


def _body(message: Mapping[str, Any]) -> str:
    parts = [_content(message)] if message.get("content") else []
    for call in message.get("tool_calls") or ():
        function = call["function"]
        stated = f'{{"name": {json.dumps(function["name"])}, "arguments": {function["arguments"]}}}'
        parts.append(f"<tool_call>\n{stated}\n</tool_call>")
    return "\n".join(parts)


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content)
