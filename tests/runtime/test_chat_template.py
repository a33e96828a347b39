"""The pinned templates, against the text that the models were trained on."""

import pytest

from runtime.chat_template import UnknownFamily, render


def text(*arguments: object) -> str:
    return "".join(segment.text for segment in render(*arguments))  # type: ignore[arg-type]


def test_qwen_with_the_standard_system_prompt() -> None:
    assert text("qwen2", [{"role": "user", "content": "hi"}]) == (
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        "<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_own_system_prompt_and_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": parts}]
    assert text("chatml", messages) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nab<|im_end|>\n<|im_start|>assistant\n"
    )


def test_tools_calls_and_responses() -> None:
    call = {"id": "1", "function": {"name": "f", "arguments": '{"x": 1}'}}
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [call, call]},
        {"role": "tool", "content": "one", "tool_call_id": "1"},
        {"role": "tool", "content": "two", "tool_call_id": "2"},
    ]
    tool = {"type": "function", "function": {"name": "f"}}
    rendered = text("qwen2", messages, [tool])
    assert "# Tools" in rendered
    assert '<tools>\n{"type": "function", "function": {"name": "f"}}\n</tools>' in rendered
    assert rendered.endswith(
        "<|im_start|>assistant\n"
        '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>\n'
        '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\n<tool_response>\none\n</tool_response>\n"
        "<tool_response>\ntwo\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(UnknownFamily, match="mamba"):
        render("mamba", [{"role": "user", "content": "hi"}])
