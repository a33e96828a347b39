"""A hundred thousand texts (with LOCUM_LONG_TESTS; else some hundreds) and their tool calls.

Each is parsed whole and in pieces. Never an exception, never a call that the text does not
state, and the same result however the text was split.
"""

import json
import os
import re
from itertools import pairwise
from typing import Any

import jsonschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runtime import tool_schema
from runtime.call_json import Call
from runtime.toolcalls import Event, Text

EXAMPLES = 25_000 if os.environ.get("LOCUM_LONG_TESTS") else 200
PARAMETERS: dict[str, dict[str, Any]] = {
    "read_file": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "line": {"type": "integer"}},
        "required": ["path"],
    },
    "search": {"type": "object", "properties": {"words": {"type": "array"}}},
    "stop": {},
}
FUNCTIONS = [{"name": name, "parameters": schema} for name, schema in PARAMETERS.items()]
Found = list[str | Call]


def found(*chunks: str) -> Found:
    """Content and calls in order, neighbouring content joined."""
    parser = tool_schema.parser(FUNCTIONS)
    events: list[Event] = [event for chunk in chunks for event in parser.feed(chunk)]
    joined: Found = []
    for event in [*events, *parser.finish()]:
        last = joined[-1] if joined else None
        if isinstance(event, Text) and isinstance(last, str):
            joined[-1] = last + event.text
        else:
            joined.append(event.text if isinstance(event, Text) else event)
    return joined


def content(events: Found) -> str:
    return "".join(event for event in events if isinstance(event, str))


def pieces(text: str, data: st.DataObject) -> list[str]:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12))
    return [text[start:end] for start, end in pairwise([0, *sorted(cuts), len(text)])]


def check(text: str, data: st.DataObject) -> Found:
    """What holds for every text; gives what was found."""
    whole = found(text)
    assert found(*pieces(text, data)) == whole
    assert found(*text) == whole
    rest = iter(text)
    assert all(letter in rest for letter in content(whole)), "content is made up or out of order"
    calls = [event for event in whole if isinstance(event, Call)]
    for call in calls:
        assert call.name in text
        arguments = json.loads(call.arguments)
        assert isinstance(arguments, dict)
        jsonschema.validate(arguments, PARAMETERS[call.name])
        call.arguments.encode()
    if not calls:
        assert content(whole) == text
    return whole


fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
WORDS = st.sampled_from(
    [
        *PARAMETERS, "unknown", "path", "words", "a.py", "arguments", "name", "function", "tool",
        "parameters", "id", "type", "tool_calls", "True", "None", "null", "7", "1e999", "NaN",
    ]
)  # fmt: skip
MARKS = st.sampled_from(
    [
        *"{}[]()<>/:,;=`'\"\\ \n\t|.-", "```", "```json\n", "```python\n", "\n```\n", "<tool_call>",
        "</tool_call>", "<tools>", "</tools>", "<function=", "</function>", "<parameter=path>",
        "</parameter>", "<|python_tag|>", "[TOOL_CALLS]", '{"name": "', '", "arguments": ', "\\u",
        "\ud800", "\x00", "é", "🙂", "\u2028",
    ]
)  # fmt: skip


@fuzz
@given(st.lists(WORDS | MARKS, max_size=40).map("".join), st.data())
@example('{"name": "stop", "arguments": {"a": NaN}}', None)
@example('{"name": "stop", "arguments": {"a": "\\ud800"}}', None)
def test_soup_of_words_and_marks(text: str, data: st.DataObject | None) -> None:
    if data is None:
        found(text)
    else:
        check(text, data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.fixed_dictionaries(
    {"name": WORDS, "arguments": VALUES | st.dictionaries(WORDS, VALUES, max_size=3)}
)
FRAMES = st.sampled_from(
    [
        "{}", "<tool_call>\n{}\n</tool_call>", "<tools>{}</tools>", "```json\n{}\n```", "[{}]",
        "<function>{}", "```\n<tool_call>{}</tool_call>\n```", "Well:\n{}\nThat is it.",
        "<tool_call>{}</function>", "[TOOL_CALLS][{}]", "<|python_tag|>{}",
        '{{"tool_calls": [{}]}}',
        "{}\n{}", "<function=read_file>{}</function>", "{},", "({})", "x = {}",
    ]
)  # fmt: skip


DAMAGE = st.lists(st.tuples(st.integers(0, 200), WORDS | MARKS), max_size=4)


def framed(frame: str, call: dict[str, Any], ascii_only: bool) -> str:
    text = json.dumps(call, ensure_ascii=ascii_only)
    return frame.replace("{}", "\0").replace("{{", "{").replace("}}", "}").replace("\0", text)


@fuzz
@given(FRAMES, CALLS, st.booleans(), st.data())
def test_calls_with_any_arguments(
    frame: str, call: dict[str, Any], ascii_only: bool, data: st.DataObject
) -> None:
    check(framed(frame, call, ascii_only), data)


@fuzz
@given(FRAMES, CALLS, DAMAGE, st.data())
def test_damaged_calls(
    frame: str, call: dict[str, Any], damage: list[tuple[int, str]], data: st.DataObject
) -> None:
    text = framed(frame, call, True)
    for at, instead in damage:
        text = text[:at] + instead + text[at + at % 5 :]
    check(text, data)


PROSE = st.sampled_from(
    [
        "I would call read_file with the path a.py.", "Use `read_file(path)` here.", "read_file",
        '{"path": "a.py"}', '{"read_file": {"path": "a.py"}}', "['read_file', 'a.py']", "stop",
        "```python\nread_file('a.py')\n```", "```json\n{\"tools\": [\"read_file\"]}\n```",
        "<tool_call> is the tag for stop", "<tools>read_file, stop</tools>", "a < b > c",
        "</tool_call>",
        "<tool_response>{\"path\": \"a\"}</tool_response>", '{"names": "read_file", "args": {}}',
        "if x:\n    {read_file}\n", "1. **stop** it", "<function>stop</function>", "[1, [2, {}]]",
        '"read_file", "arguments": {"path": "a.py"}', "{\n", "\n}\n", "\n\n", "```", "<", "[", "{",
    ]
)  # fmt: skip
PARTS = st.lists(PROSE | st.text(max_size=10), max_size=12)
STATED = re.compile(r"""(["'])(name|function|tool)\1\s*:|<function=""")


@fuzz
@given(
    st.lists(PROSE | st.text(max_size=10), max_size=12), st.sampled_from(["", " ", "\n"]), st.data()
)
def test_prose_that_states_no_call_has_none(
    parts: list[str], between: str, data: st.DataObject
) -> None:
    text = between.join(parts)
    if STATED.search(text):
        return
    assert content(check(text, data)) == text


def test_the_same_checks_find_a_call_where_there_is_one() -> None:
    shapes = ["{}", "<tool_call>\n{}\n</tool_call>", "[TOOL_CALLS][{}]", '{{"tool_calls": [{}]}}']
    call = {"name": "read_file", "arguments": {"path": "a", "line": "7"}}
    for shape in shapes:
        assert found(framed(shape, call, True)) == [Call("read_file", '{"path": "a", "line": 7}')]
