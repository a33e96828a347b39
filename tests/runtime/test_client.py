"""The client against our server, and against foreign servers played by a mock transport."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fake_engine import FakeEngine

from runtime.client import Branch, Client, Endpoint, ToolCall
from runtime.engine_api import EngineError, Segment
from runtime.errors import (
    BranchingUnsupported,
    EndpointRefused,
    EndpointUnreachable,
    RuntimeFailure,
)

MESSAGES = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
CALL = '<tool_call>{"name": "look", "arguments": {"path": "a"}}</tool_call>'
Handler = Callable[[httpx.Request], httpx.Response]


def foreign(handler: Handler, model: str = "m") -> Client:
    endpoint = Endpoint("http://foreign.test/v1", model=model)
    return Client(endpoint, transport=httpx.MockTransport(handler))


def stream(*choices: dict[str, Any], usage: dict[str, int] | None = None) -> httpx.Response:
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    events = [frame | {"choices": [choice]} for choice in choices]
    if usage is not None:
        events.append(frame | {"choices": [], "usage": usage})
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return httpx.Response(
        200, text=text + "data: [DONE]\n\n", headers={"Content-Type": "text/event-stream"}
    )


def test_samples_tokens_and_usage_from_our_server(serve: Any) -> None:
    client = Client(serve(FakeEngine(("one", "two"))))
    heard: dict[int, str] = {}

    def hear(index: int, text: str) -> None:
        heard[index] = heard.get(index, "") + text

    answer = client.chat(MESSAGES, n=2, seed=1, on_token=hear)
    assert answer.texts == ("one", "two")
    assert heard == {0: "one", 1: "two"}
    assert answer.finish == ("stop", "stop")
    assert (answer.usage.completion_tokens, answer.usage.cached_tokens) == (6, 3)
    assert client.models() == ("fake",)
    client.close()


def test_tool_calls_from_our_server(serve: Any) -> None:
    client = Client(serve(FakeEngine(("Let me look. " + CALL,))))
    answer = client.chat(MESSAGES, tools=TOOLS)
    [call] = answer.tool_calls
    assert (call.name, call.arguments) == ("look", '{"path": "a"}')
    assert answer.texts == ("Let me look. ",)
    assert answer.finish == ("tool_calls",)
    client.close()


def test_branch_and_score_from_our_server(serve: Any) -> None:
    engine = FakeEngine()
    client = Client(serve(engine))
    [branch] = client.branch(MESSAGES, "abc", count=9, first=2)
    assert branch == Branch(2, 3, "9", -1.5, 0.5, True)
    assert client.score(MESSAGES, ["ab", "c"]) == (-2.0, -1.0)
    assert client.score(MESSAGES, ["ab"], forced="begun ") == (-2.0,)
    assert engine.scored[-1][-1] == Segment("begun ")
    assert client.score(MESSAGES, ["ab", "c"], forced="begun ", offsets=[3, 0]) == (-2.0, -1.0)
    assert engine.scored[-1][-1] == Segment("beg"), "what is behind every continuation is not read"
    with pytest.raises(EndpointRefused, match="forced has 6 characters"):
        client.score(MESSAGES, ["ab"], forced="begun ", offsets=[7])
    with pytest.raises(EndpointRefused, match="one for each continuation"):
        client.score(MESSAGES, ["ab"], forced="begun ", offsets=[1, 2])
    client.close()


def test_a_failing_engine_is_one_sentence(serve: Any) -> None:
    client = Client(serve(FakeEngine(fail=EngineError("the cache is full"))))
    with pytest.raises(EndpointRefused, match="the cache is full"):
        client.chat(MESSAGES)
    client.close()


def test_a_wrong_token_is_one_sentence(serve: Any) -> None:
    endpoint = serve(FakeEngine())
    client = Client(Endpoint(endpoint.base_url, "wrong", "fake"))
    with pytest.raises(EndpointRefused, match="401") as caught:
        client.chat(MESSAGES)
    assert caught.value.status == 401
    client.close()


def test_a_server_that_ignores_n_is_asked_again_with_other_seeds() -> None:
    seeds = []

    def handler(request: httpx.Request) -> httpx.Response:
        seeds.append(json.loads(request.content)["seed"])
        text = f"answer {len(seeds)}"
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        return stream({"index": 0, "delta": {"content": text}}, usage=usage)

    heard = []
    answer = foreign(handler).chat(
        MESSAGES, n=3, seed=10, on_token=lambda i, text: heard.append((i, text))
    )
    assert seeds == [10, 11, 12]
    assert answer.texts == ("answer 1", "answer 2", "answer 3")
    assert [index for index, _ in heard] == [0, 1, 2]
    assert answer.usage.completion_tokens == 6
    assert answer.finish == ("stop",) * 3


def test_tool_calls_of_foreign_servers_native_and_as_text() -> None:
    parts = [
        {"id": "c1", "function": {"name": "look", "arguments": ""}},
        {"function": {"arguments": '{"path"'}},
        {"function": {"arguments": ': "a"}'}},
    ]
    deltas = [{"index": 0, "delta": {"tool_calls": [part]}} for part in parts]
    native = foreign(lambda _: stream(*deltas)).chat(MESSAGES, tools=TOOLS)
    assert native.tool_calls == (ToolCall("c1", "look", '{"path": "a"}'),)
    text = foreign(lambda _: stream({"index": 0, "delta": {"content": CALL}}))
    answer = text.chat(MESSAGES, tools=TOOLS)
    assert answer.tool_calls == (ToolCall("call_0", "look", '{"path": "a"}'),)
    assert (answer.texts, answer.finish) == (("",), ("tool_calls",))


@pytest.mark.parametrize("status", [404, 405])
def test_a_foreign_server_without_branching_says_so(status: int) -> None:
    client = foreign(lambda _: httpx.Response(status, text="no"))
    with pytest.raises(BranchingUnsupported, match="samples"):
        client.branch(MESSAGES, "abc")


def test_the_first_offered_model_is_used_when_none_is_named() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            item = {"id": "offered", "object": "model", "created": 0, "owned_by": "x"}
            return httpx.Response(200, json={"object": "list", "data": [item]})
        asked.append(json.loads(request.content)["model"])
        return stream({"index": 0, "delta": {"content": "x"}})

    foreign(handler, model="").chat(MESSAGES)
    assert asked == ["offered"]


def refused(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def late(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late")


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (refused, EndpointUnreachable),
        (late, EndpointUnreachable),
        (lambda _: httpx.Response(400, json={"error": {"message": "too\nlong."}}), EndpointRefused),
        (lambda _: httpx.Response(403, text="<html>"), EndpointRefused),
        (lambda _: stream(), EndpointRefused),
        (lambda _: httpx.Response(200, text="data: {oops\n\n"), EndpointRefused),
    ],
)
def test_every_failure_is_one_sentence(
    handler: Handler, error: type[RuntimeFailure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(error) as caught:
        foreign(handler).chat(MESSAGES)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "?"))
