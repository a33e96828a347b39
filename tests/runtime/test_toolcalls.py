"""Tool calls in text: every shape that was seen, however it is split, and none in prose."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.call_json import Call
from runtime.toolcalls import Event, Text, ToolCallParser

TOOLS = ("read_file", "list_files", "write_file")
READ = Call("read_file", '{"path": "a.py"}')
OBJECT = '{"name": "read_file", "arguments": {"path": "a.py"}}'


def parse(*chunks: str) -> tuple[str, list[Call]]:
    parser = ToolCallParser(TOOLS)
    events: list[Event] = [event for chunk in chunks for event in parser.feed(chunk)]
    events += parser.finish()
    text = "".join(event.text for event in events if isinstance(event, Text))
    return text, [event for event in events if isinstance(event, Call)]


SHAPES = {
    "tag": f"<tool_call>\n{OBJECT}\n</tool_call>",
    "tag without close": f"<tool_call>\n{OBJECT}",
    "tag with another close": f"<tool_call>{OBJECT}</tools>",
    "two closing tags": f"<tool_call>{OBJECT}</tool_call>\n</tool_call>",
    "tools tag": f"<tools>\n{OBJECT}\n</tools>",
    "function tag": f"<function>{OBJECT}</function>",
    "function_call tag": f"<function_call>{OBJECT}</function_call>",
    "named function": '<function=read_file>{"path": "a.py"}</function>',
    "named function, parameters": (
        "<function=read_file>\n<parameter=path>\na.py\n</parameter>\n</function>"
    ),
    "named function without end": ("<function=read_file>\n<parameter=path>\na.py\n</parameter>\n"),
    "named function in a tag": (
        "<tool_call>\n<function=read_file>\n<parameter=path>\na.py\n</parameter>\n</function>\n"
        "</tool_call>"
    ),
    "tool_calls tag": f"<tool_calls>[{OBJECT}]</tool_calls>",
    "tool_calls key": f'{{"tool_calls": [{OBJECT}]}}',
    "python tag": f"<|python_tag|>{OBJECT}",
    "TOOL_CALLS mark": f"[TOOL_CALLS][{OBJECT}]",
    "TOOL_CALLS mark, one": f"[TOOL_CALLS] {OBJECT}",
    "json fence": f"```json\n{OBJECT}\n```",
    "plain fence": f"```\n{OBJECT}\n```",
    "tag in fence": f"```xml\n<tool_call>{OBJECT}</tool_call>\n```",
    "bare": OBJECT,
    "bare list": f"[{OBJECT}]",
    "parameters key": '{"name": "read_file", "parameters": {"path": "a.py"}}',
    "function key": '{"function": "read_file", "arguments": {"path": "a.py"}}',
    "nested function": f'{{"type": "function", "function": {OBJECT}}}',
    "arguments as string": '{"name": "read_file", "arguments": "{\\"path\\": \\"a.py\\"}"}',
    "single quotes": "<tool_call>{'name': 'read_file', 'arguments': {'path': 'a.py'}}</tool_call>",
    "trailing commas": '{"name": "read_file", "arguments": {"path": "a.py",},}',
    "missing brace": '<tool_call>{"name": "read_file", "arguments": {"path": "a.py"}</tool_call>',
    "missing brace at the end": '{"name": "read_file", "arguments": {"path": "a.py"}',
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_seen_shape_is_one_call(shape: str) -> None:
    text, calls = parse(shape)
    assert calls == [READ]
    assert text.strip() == ""


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_prose_around_a_call_stays_content(shape: str) -> None:
    text, calls = parse("I will look.\n" + shape)
    assert calls == [READ]
    assert text.startswith("I will look.\n")


def test_several_calls_in_a_row_are_found_in_order() -> None:
    other = '{"name": "list_files", "arguments": {}}'
    want = [READ, Call("list_files", "{}")]
    assert parse(f"<tool_call>{OBJECT}</tool_call>\n<tool_call>{other}</tool_call>")[1] == want
    assert parse(f"<tool_call>{OBJECT}\n<tool_call>{other}")[1] == want
    assert parse(f"<tools>\n{OBJECT}\n{other}\n</tools>")[1] == want
    assert parse(f"[{OBJECT}, {other}]")[1] == want


def test_text_behind_a_call_is_content() -> None:
    text, calls = parse(f"<tool_call>{OBJECT}</tool_call>\nThat is all.")
    assert calls == [READ]
    assert text.strip() == "That is all."


@pytest.mark.parametrize(
    "prose",
    [
        "Call read_file with path a.py.",
        '{"name": "rm_rf", "arguments": {"path": "/"}}',
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        '{"name": "read_file"}',
        '{"name": "read_file", "arguments": ["a.py"]}',
        '{"name": "read_file", "arguments": 7}',
        '{"name": "read_file", "arguments": {"path": "a.p',
        '{"path": "a.py"}',
        "{'a': 1} is a dict and [1, 2] a list",
        "if a < b and c > d: <tools> are <b>bold</b>",
        f"the text {OBJECT} in the middle of a line",
        f"```python\ncall = (\n{OBJECT}\n)\n```\n",
        "```\nplain code\n```\n",
        "<tool_call>" * 50,
        "<function=read_file> is how it is done",
        "<",
        "``",
        "",
    ],
)
def test_what_is_no_call_passes_unchanged(prose: str) -> None:
    assert parse(prose) == (prose, [])


def test_without_tools_nothing_is_a_call() -> None:
    parser = ToolCallParser([])
    assert [*parser.feed(SHAPES["tag"]), *parser.finish()] == [Text(SHAPES["tag"])]


def test_prose_is_not_held_back() -> None:
    parser = ToolCallParser(TOOLS)
    assert parser.feed("a < b") == [Text("a < b")]
    assert parser.feed(" and <too") == [Text(" and ")]
    assert parser.feed("ls are") == [Text("<tools are")]


def test_a_call_is_told_as_soon_as_it_is_complete() -> None:
    parser = ToolCallParser(TOOLS)
    assert parser.feed("<tool_call>" + OBJECT) == [READ]


def test_tags_inside_a_string_argument_belong_to_the_argument() -> None:
    content = "x = '</tool_call><tool_call>```'\n"
    written = json.dumps({"name": "write_file", "arguments": {"content": content}})
    [call] = parse(f"<tool_call>{written}</tool_call>")[1]
    assert json.loads(call.arguments) == {"content": content}


def test_hostile_text_takes_bounded_work_and_passes_unchanged() -> None:
    for hostile in ("[" * 20_000, '<tool_call>{"name": ' * 3_000, '{"name":"' + "\n{" * 9_000):
        assert parse(hostile) == (hostile, [])


FRAGMENTS = st.sampled_from(
    [*SHAPES.values(), "<tool_call>", "</tool_call>", "```", "```json\n", "\n", "{", '"', "'", "}"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=8), max_size=8), st.data())
def test_the_result_does_not_depend_on_the_chunks(parts: list[str], data: st.DataObject) -> None:
    whole = "".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=12))
    places = [0, *sorted(cuts), len(whole)]
    chunks = [whole[start:end] for start, end in pairwise(places)]
    text, calls = parse(*chunks)
    assert (text, calls) == parse(whole)
    assert all(call.name in TOOLS for call in calls)
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="{<"), max_size=200))
def test_text_without_braces_and_tags_is_content(text: str) -> None:
    assert parse(text) == (text, [])
