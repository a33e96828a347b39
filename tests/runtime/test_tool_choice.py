"""``tool_choice`` and ``parallel_tool_calls``, asked over HTTP of a fake engine."""

import json
from typing import Any

import httpx
import pytest
from fake_engine import FakeEngine

from runtime.client import Endpoint

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
            },
        },
    }
    for name in ("look", "list")
]
NAMED = {"type": "function", "function": {"name": "look"}}
GOOD, BAD, PROSE = ' {"path": "a"}}', ' {"file": "a"}}', " well, let me see"

WHOLE = '{"name": "look", "arguments": {"path": "a"}}'


def ask(endpoint: Endpoint, **changes: Any) -> httpx.Response:
    body = {
        "model": "fake",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": TOOLS,
        **changes,
    }
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    return httpx.post(f"{endpoint.base_url}/chat/completions", json=body, headers=headers)


def called(response: httpx.Response) -> list[list[tuple[str, str]]]:
    """Names and arguments of the calls of each choice, whole or streamed."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"].startswith("application/json"):
        choices = response.json()["choices"]
        functions = [[c["function"] for c in one["message"]["tool_calls"]] for one in choices]
        return [[(f["name"], f["arguments"]) for f in some] for some in functions]
    pieces: dict[tuple[int, int], list[str]] = {}
    for line in response.text.split("\n\n")[:-2]:
        for choice in json.loads(line.removeprefix("data: "))["choices"]:
            assert choice["delta"].get("content", "") == ""
            for part in choice["delta"].get("tool_calls", ()):
                whole = pieces.setdefault((choice["index"], part["index"]), ["", ""])
                whole[0] += part["function"].get("name", "")
                whole[1] += part["function"]["arguments"]
    return [[(name, arguments)] for name, arguments in pieces.values()]


@pytest.mark.parametrize("stream", [True, False])
def test_a_named_tool_is_begun_for_the_model_and_called(serve: Any, stream: bool) -> None:
    engine = FakeEngine((GOOD,), grammars=False)
    options = {"include_usage": True} if stream else None
    response = ask(serve(engine), tool_choice=NAMED, stream=stream, stream_options=options)
    assert called(response) == [[("look", '{"path": "a"}')]]
    assert '"tool_choice":"sampled and checked"' in response.text.replace('": "', '":"')
    [request] = engine.requests
    assert "".join(part.text for part in request.prompt).endswith(
        '<tool_call>\n{"name": "look", "arguments":'
    )
    assert "</tool_call>" in request.stop


@pytest.mark.parametrize("choice", [NAMED, "required"])
def test_a_grammar_makes_the_call_where_the_engine_has_them(serve: Any, choice: Any) -> None:
    engine = FakeEngine((WHOLE,))
    response = ask(serve(engine), tool_choice=choice)
    assert called(response) == [[("look", '{"path": "a"}')]]
    assert response.json()["locum"]["tool_choice"] == "grammar"
    [request] = engine.requests
    assert "".join(part.text for part in request.prompt).endswith("<tool_call>\n")
    assert request.constraint is not None
    allowed = json.loads(request.constraint.text)["anyOf"]
    names = [one["properties"]["name"]["const"] for one in allowed]
    assert names == (["look"] if choice == NAMED else ["look", "list"])
    assert allowed[0]["properties"]["arguments"] == TOOLS[0]["function"]["parameters"]


def test_a_schema_with_references_goes_without_a_grammar(serve: Any) -> None:
    schema = {"$defs": {"p": {"type": "string"}}, "properties": {"path": {"$ref": "#/$defs/p"}}}
    tools = [{"type": "function", "function": {"name": "look", "parameters": schema}}]
    engine = FakeEngine((GOOD,))
    response = ask(serve(engine), tools=tools, tool_choice="required")
    assert called(response) == [[("look", '{"path": "a"}')]]
    assert engine.requests[0].constraint is None


@pytest.mark.parametrize("stream", [True, False])
def test_a_required_call_may_be_of_any_tool(serve: Any, stream: bool) -> None:
    engine = FakeEngine(('list", "arguments": {"path": "b"}}',), grammars=False)
    response = ask(serve(engine), tool_choice="required", stream=stream)
    assert called(response) == [[("list", '{"path": "b"}')]]
    assert '"finish_reason":"tool_calls"' in response.text.replace(" ", "")


@pytest.mark.parametrize("wrong", [BAD, PROSE, " {"])
def test_a_sample_that_is_no_such_call_is_drawn_again_warmer(serve: Any, wrong: str) -> None:
    engine = FakeEngine(rounds=[(wrong, GOOD), (wrong,), (GOOD,)], grammars=False)
    response = ask(serve(engine), tool_choice=NAMED, n=2, temperature=0, seed=3)
    assert called(response) == [[("look", '{"path": "a"}')]] * 2
    assert [request.n for request in engine.requests] == [2, 1, 1]
    assert [request.sampling.temperature for request in engine.requests] == [0, 0.7, 0.7]
    assert len({request.sampling.seed for request in engine.requests}) == 3
    spent = response.json()["usage"]["completion_tokens"]
    assert spent == 2 * len(wrong) + 2 * len(GOOD)


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_makes_no_call_is_an_error_and_no_answer(serve: Any, stream: bool) -> None:
    engine = FakeEngine((PROSE,))
    response = ask(serve(engine), tool_choice="required", stream=stream)
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "no_tool_call"
    assert len(engine.requests) == 4


def test_arguments_that_do_not_fit_stay_text_when_no_call_was_asked_for(serve: Any) -> None:
    wrong = '<tool_call>{"name": "look", "arguments": {"file": "a"}}</tool_call>'
    answer = ask(serve(FakeEngine((wrong,)))).json()["choices"][0]
    assert answer["message"] == {"role": "assistant", "content": wrong}
    assert answer["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("parallel", [True, False, None])
def test_several_calls_in_one_answer_unless_they_are_not_wanted(
    serve: Any, stream: bool, parallel: bool | None
) -> None:
    text = "".join(
        f'<tool_call>{{"name": "look", "arguments": {{"path": "{path}"}}}}</tool_call>'
        for path in "ab"
    )
    response = ask(serve(FakeEngine((text,))), stream=stream, parallel_tool_calls=parallel)
    found = [call for choice in called(response) for call in choice]
    both = [("look", '{"path": "a"}'), ("look", '{"path": "b"}')]
    assert found == (both[:1] if parallel is False else both)
