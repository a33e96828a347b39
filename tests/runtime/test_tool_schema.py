"""Arguments of calls held against the schemas of the tools, which a client may make hostile."""

import json
from typing import Any

import pytest

from runtime import tool_schema
from runtime.call_json import Call
from runtime.tool_schema import BadSchema, Tools
from runtime.toolcalls import Text


def tools(**properties: Any) -> Tools:
    required = [name for name, schema in properties.items() if schema.pop("must", False)]
    parameters = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return Tools([{"name": "look", "parameters": parameters}])


def arguments(declared: Tools, given: Any) -> Any:
    call = declared.accepted(Call("look", json.dumps(given)))
    return None if call is None else json.loads(call.arguments)


PATH = {"type": "string", "must": True}


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ({"path": "a"}, {"path": "a"}),
        ({"path": "a", "line": 3}, {"path": "a", "line": 3}),
        ({"path": "7", "line": "3"}, {"path": "7", "line": 3}),
        ({"path": "a", "deep": "True"}, {"path": "a", "deep": True}),
        ({"path": "a", "only": '["x", "y"]'}, {"path": "a", "only": ["x", "y"]}),
        ({"path": "a", "line": "three"}, None),
        ({"path": 7}, None),
        ({"line": 3}, None),
        ({"path": "a", "other": 1}, None),
        ({"path": "a", "only": [1]}, None),
        ({}, None),
    ],
)
def test_arguments_are_as_declared_or_there_is_no_call(given: Any, want: Any) -> None:
    declared = tools(
        path=dict(PATH),
        line={"type": ["integer", "null"]},
        deep={"type": "boolean"},
        only={"type": "array", "items": {"type": "string"}},
    )
    declared.require()
    assert arguments(declared, given) == want


def test_a_tool_without_a_schema_takes_any_object() -> None:
    for function in ({"name": "look"}, {"name": "look", "parameters": {}}):
        declared = Tools([function])
        declared.require()
        assert arguments(declared, {"any": [1]}) == {"any": [1]}
    assert declared.accepted(Call("other", "{}")) is None


def test_references_within_the_schema_are_followed() -> None:
    schema = {"$defs": {"p": {"type": "string"}}, "properties": {"path": {"$ref": "#/$defs/p"}}}
    declared = Tools([{"name": "look", "parameters": schema}])
    declared.require()
    assert arguments(declared, {"path": "a"}) == {"path": "a"}
    assert arguments(declared, {"path": 1}) is None


def bombs() -> dict[str, Any]:
    """Each level asks for the next one twice: 2^40 checks."""
    levels: dict[str, Any] = {"l40": {"type": "object"}}
    for level in range(40):
        levels[f"l{level}"] = {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}] * 2}
    return {"$defs": levels, "$ref": "#/$defs/l0"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"type": 7},
        {"properties": []},
        {"required": "path"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        bombs(),
        {"description": "x" * 300_000},
    ],
)
def test_a_hostile_or_wrong_schema_is_one_sentence(schema: dict[str, Any]) -> None:
    with pytest.raises(BadSchema, match="look"):
        Tools([{"name": "look", "parameters": schema}]).require()


def test_a_pattern_that_takes_for_ever_is_not_tried() -> None:
    declared = tools(path={"type": "string", "pattern": "^(a+)+$"})
    declared.require()
    assert arguments(declared, {"path": "a" * 60 + "b"}) is not None


def test_a_call_with_other_arguments_stays_text() -> None:
    functions = [{"name": "look", "parameters": {"required": ["path"]}}]
    for text, found in (('{"name": "look", "arguments": {"path": "a"}}', 1), ("{}", 0)):
        shapes = (text, f"<tool_call>\n{text}\n</tool_call>", f"```json\n{text}\n```")
        for shape in shapes if found else (s.replace("{}", WRONG) for s in shapes):
            parser = tool_schema.parser(functions)
            events = [*parser.feed(shape), *parser.finish()]
            assert sum(isinstance(event, Call) for event in events) == found
            if not found:
                assert "".join(e.text for e in events if isinstance(e, Text)) == shape


WRONG = '{"name": "look", "arguments": {"file": "a"}}'
