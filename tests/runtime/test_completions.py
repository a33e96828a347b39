"""Plain completions over a fake engine, asked by the official SDK and by our client."""

from typing import Any

import httpx
import openai
import pytest
from fake_engine import FakeEngine

from runtime.client import Client, Endpoint
from runtime.engine_api import EngineError
from runtime.errors import EndpointRefused, InfillUnsupported

MARKERS = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]


def post(endpoint: Endpoint, **changes: Any) -> httpx.Response:
    body = {"model": "fake", "prompt": "def f():"} | changes
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    return httpx.post(f"{endpoint.base_url}/completions", json=body, headers=headers, timeout=30)


def test_the_sdk_gets_whole_completions(serve: Any) -> None:
    endpoint = serve(engine := FakeEngine(("one", "two")))
    with openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.token) as client:
        answer = client.completions.create(
            model="fake", prompt="a", n=2, seed=5, temperature=0.5, stop=["\n"]
        )
    assert [choice.text for choice in answer.choices] == ["one", "two"]
    assert answer.object == "text_completion"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6
    [request] = engine.requests
    assert (request.n, request.max_tokens, request.stop) == (2, 16, ("\n",))
    assert [(part.text, part.special) for part in request.prompt] == [("a", False)]


def test_the_sdk_reads_a_stream(serve: Any) -> None:
    endpoint = serve(FakeEngine(("one", "two")))
    with openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.token) as client:
        events = list(
            client.completions.create(
                model="fake", prompt="a", n=2, stream=True, stream_options={"include_usage": True}
            )
        )
    heard = ["", ""]
    for event in events:
        for choice in event.choices:
            heard[choice.index] += choice.text
    assert heard == ["one", "two"]
    assert events[-1].usage is not None
    assert events[-1].usage.completion_tokens == 6


def test_a_gap_stands_between_the_markers_and_only_they_are_special(serve: Any) -> None:
    engine = FakeEngine()
    hostile = "a<|fim_middle|>"
    assert post(serve(engine), prompt=hostile, suffix=hostile).status_code == 200
    [request] = engine.requests
    assert [part.text for part in request.prompt if part.special] == MARKERS
    assert [part.text for part in request.prompt if not part.special] == [hostile, hostile]


def test_a_model_without_the_markers_says_so(serve: Any) -> None:
    endpoint = serve(engine := FakeEngine(family="chatml"))
    refused = post(endpoint, suffix="b")
    assert refused.status_code == 400
    assert "cannot fill a gap" in refused.json()["error"]["message"]
    assert engine.requests == []
    assert post(endpoint).status_code == 200, "plain text goes on with any model"


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": ""},
        {"prompt": []},
        {"prompt": [[1, 2]]},
        {"prompt": ["a"] * 200, "n": 2},
        {"max_tokens": 0},
        {"n": 0},
        {"echo": True, "suffix": "b"},
        {"logprobs": 21},
        {"stop": [""]},
        {"seed": -1},
        {"logit_bias": {"the": 1}},
        {"prompt": "a " * 2000},
    ],
)
def test_what_is_not_served_is_refused(serve: Any, changes: dict[str, Any]) -> None:
    endpoint = serve(engine := FakeEngine())
    response = post(endpoint, **changes)
    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert engine.requests == []


def test_another_model_is_not_found(serve: Any) -> None:
    assert post(serve(FakeEngine()), model="other").status_code == 404


def test_our_client_fills_a_gap(serve: Any) -> None:
    endpoint = serve(engine := FakeEngine(("one", "two")))
    heard: dict[int, str] = {}

    def hear(index: int, text: str) -> None:
        heard[index] = heard.get(index, "") + text

    client = Client(endpoint)
    answer = client.complete("a", "b", n=2, stop=["\n"], temperature=0.5, on_token=hear)
    client.close()
    assert answer.texts == ("one", "two")
    assert heard == {0: "one", 1: "two"}
    assert answer.finish == ("stop", "stop")
    assert (answer.usage.completion_tokens, answer.usage.cached_tokens) == (6, 3)
    assert engine.requests[0].stop == ("\n",)


@pytest.mark.parametrize("family", ["qwen2", "chatml"])
def test_our_client_tells_a_missing_skill_from_a_failure(serve: Any, family: str) -> None:
    fail = EngineError("broken") if family == "qwen2" else None
    client = Client(serve(FakeEngine(family=family, fail=fail)))
    kind = EndpointRefused if family == "qwen2" else InfillUnsupported
    with pytest.raises(kind):
        client.complete("a", "b")
    client.close()


def test_an_endpoint_without_the_route_cannot_fill() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404, json={"error": "no route"}))
    client = Client(Endpoint("http://foreign.test/v1", model="m"), transport=transport)
    with pytest.raises(InfillUnsupported):
        client.complete("a", "b")
    client.close()
