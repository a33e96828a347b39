"""Clients that people use, against the server and the proxy: the openai SDK, LangChain's ChatOpenAI
inside LangGraph, and curl."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from fake_engine import FakeEngine
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import SecretStr
from quirky_upstream import Script, chunk, running, said

from runtime.client import Endpoint
from runtime.engine_api import EngineBusy
from runtime.proxy.app import create_app as create_proxy
from runtime.proxy.quirks import Memory
from runtime.proxy.upstream import Upstream

MESSAGES: Any = [{"role": "user", "content": "hi"}]
CALL = '<tool_call>{"name": "look", "arguments": {"path": "a"}}</tool_call>'
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
            },
        },
    }
]


def sdk(endpoint: Endpoint, token: str = "") -> openai.OpenAI:
    return openai.OpenAI(base_url=endpoint.base_url, api_key=token or endpoint.token, max_retries=0)


def test_sdk_log_probabilities_of_chats(serve: Any) -> None:
    with sdk(serve(FakeEngine(("hé",)))) as client:
        answer = client.chat.completions.create(
            model="fake", messages=MESSAGES, logprobs=True, top_logprobs=2
        )
        logprobs = answer.choices[0].logprobs
        assert logprobs is not None
        assert logprobs.content is not None
        assert b"".join(bytes(token.bytes or ()) for token in logprobs.content) == "hé".encode()
        assert [token.logprob for token in logprobs.content] == [-0.5] * 3
        assert [(top.token, top.logprob) for top in logprobs.content[0].top_logprobs] == [
            ("0", -1.0),
            ("1", -2.0),
        ]
        stream = client.chat.completions.create(
            model="fake", messages=MESSAGES, logprobs=True, stream=True
        )
        streamed = [c.logprobs for event in stream for c in event.choices if c.logprobs]
        assert sum(len(one.content or ()) for one in streamed) == 3
        plain = client.chat.completions.create(model="fake", messages=MESSAGES)
        assert plain.choices[0].logprobs is None


def test_sdk_scores_a_prompt_without_generating(serve: Any) -> None:
    engine = FakeEngine()
    with sdk(serve(engine)) as client:
        answer = client.completions.create(
            model="fake", prompt=["ab", "c"], echo=True, logprobs=1, max_tokens=0
        )
    assert engine.requests == []
    assert [choice.text for choice in answer.choices] == ["ab", "c"]
    odds = answer.choices[0].logprobs
    assert odds is not None
    assert odds.tokens == ["a", "b"]
    assert odds.token_logprobs == [None, -0.5]
    assert odds.text_offset == [0, 1]
    assert odds.top_logprobs == [None, {"0": -1.0}]


def test_sdk_completes_several_prompts_with_echo(serve: Any) -> None:
    with sdk(serve(FakeEngine(("one", "two")))) as client:
        answer = client.completions.create(
            model="fake", prompt=["a", "b"], n=2, echo=True, logprobs=0
        )
        assert [choice.text for choice in answer.choices] == ["aone", "atwo", "bone", "btwo"]
        assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
        odds = answer.choices[3].logprobs
        assert odds is not None
        assert odds.tokens == list("btwo")
        assert odds.text_offset == [0, 1, 2, 3]
        stream = client.completions.create(
            model="fake", prompt=["a", "b"], n=2, echo=True, stream=True
        )
        heard = [""] * 4
        for event in stream:
            for choice in event.choices:
                heard[choice.index] += choice.text
        assert heard == ["aone", "atwo", "bone", "btwo"]


def test_sdk_tools_samples_and_counts(serve: Any) -> None:
    with sdk(serve(FakeEngine((CALL, "No need.")))) as client:
        answer = client.chat.completions.create(model="fake", messages=MESSAGES, tools=TOOLS, n=2)
        first, second = answer.choices
        assert first.finish_reason == "tool_calls"
        assert first.message.tool_calls
        assert json.loads(first.message.tool_calls[0].function.arguments) == {"path": "a"}  # type: ignore[union-attr]
        assert second.message.content == "No need."
        counted = client.chat.completions.create(
            model="fake", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        usages = [event.usage for event in counted if event.usage]
    assert len(usages) == 1
    assert usages[0].prompt_tokens_details
    assert usages[0].prompt_tokens_details.cached_tokens == 3


def test_sdk_errors_have_their_types(serve: Any) -> None:
    endpoint = serve(FakeEngine())
    with sdk(endpoint) as client:
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="other", messages=MESSAGES)
        with pytest.raises(openai.BadRequestError) as bad:
            client.chat.completions.create(model="fake", messages=MESSAGES, n=0)
        assert bad.value.body
        long: Any = [{"role": "user", "content": "a " * 2000}]
        with pytest.raises(openai.BadRequestError) as too_long:
            client.chat.completions.create(model="fake", messages=long)
        assert too_long.value.code == "context_length_exceeded"
    with sdk(endpoint, "wrong") as stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with (
        sdk(serve(FakeEngine(fail=EngineBusy("busy", 7)))) as client,
        pytest.raises(openai.RateLimitError) as busy,
    ):
        client.chat.completions.create(model="fake", messages=MESSAGES)
    assert busy.value.response.headers["retry-after"] == "7"


def test_sdk_structured_answers_reach_the_engine(serve: Any) -> None:
    engine = FakeEngine(('{"a": 1}',))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    with sdk(serve(engine)) as client:
        for wanted in ({"type": "json_object"}, {"type": "text"}):
            client.chat.completions.create(
                model="fake",
                messages=MESSAGES,
                response_format=wanted,  # type: ignore[call-overload]
            )
        client.chat.completions.create(
            model="fake",
            messages=MESSAGES,
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        )
    constraints = [request.constraint for request in engine.requests]
    assert constraints[0] is not None
    assert constraints[1] is None
    assert constraints[2] is not None
    assert json.loads(constraints[2].text) == schema


@tool
def look(path: str) -> str:
    """Read a file."""
    return f"{path} says 42"


def agent_at(base_url: str, token: str, **settings: Any) -> Any:
    """A model with a tool in a loop, as LangGraph's own examples build it."""
    model = ChatOpenAI(base_url=base_url, api_key=SecretStr(token), model="fake", **settings)
    bound = model.bind_tools([look])

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("tools", ToolNode([look]))
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", tools_condition, ["tools", END])
    graph.add_edge("tools", "ask")
    return graph.compile()


def conversed(agent: Any) -> tuple[list[Any], str]:
    """All messages at the end, and the text that was streamed on the way."""
    streamed, last = "", None
    question = {"messages": [HumanMessage("What does a say?")]}
    for mode, item in agent.stream(question, stream_mode=["messages", "values"]):
        if mode == "values":
            last = item
        elif isinstance(item[0], AIMessageChunk):
            streamed += str(item[0].content)
    assert last is not None
    return last["messages"], streamed


@pytest.mark.parametrize("streaming", [True, False])
def test_langgraph_calls_a_tool_and_goes_on(serve: Any, streaming: bool) -> None:
    engine = FakeEngine(rounds=[("Let me look. " + CALL,), ("It says 42.",)])
    endpoint = serve(engine)
    agent = agent_at(endpoint.base_url, endpoint.token, streaming=streaming)
    messages, streamed = conversed(agent)
    assert [type(message).__name__ for message in messages] == [
        "HumanMessage", "AIMessage", "ToolMessage", "AIMessage",
    ]  # fmt: skip
    assert messages[1].tool_calls[0]["args"] == {"path": "a"}
    assert messages[2].content == "a says 42"
    assert messages[3].content == "It says 42."
    assert not streaming or "It says 42." in streamed
    shown = "".join(part.text for part in engine.requests[1].prompt)
    assert "<tool_response>\na says 42\n</tool_response>" in shown


def test_langchain_forces_a_tool_and_structures_an_answer(serve: Any) -> None:
    endpoint = serve(FakeEngine(('{"name": "look", "arguments": {"path": "b"}}',)))
    model = ChatOpenAI(base_url=endpoint.base_url, api_key=SecretStr("secret"), model="fake")
    for choice in ("look", "any", True):
        answer = model.bind_tools([look], tool_choice=choice).invoke("hi")
        assert isinstance(answer, AIMessage)
        assert answer.tool_calls[0]["args"] == {"path": "b"}


@contextmanager
def proxy_before(script: Script) -> Iterator[str]:
    with contextmanager(running)(script.app()) as upstream:
        memory = Memory(f"{upstream}/v1")
        app = create_proxy(memory, Upstream(memory), "secret")
        with contextmanager(running)(app) as url:
            yield f"{url}/v1"


def test_langgraph_works_through_the_proxy_with_a_server_that_leaves_calls_as_text() -> None:
    class Turns(Script):
        """A call first, then an answer; neither with an index or a finish_reason."""

        def turn(self) -> str:
            return CALL if len(self.asked) == 0 else "It says 42."

        async def _complete(self, request: Any) -> Any:
            self.whole = said(self.turn(), None)
            self.stream = [chunk({"content": letter}) for letter in self.turn()]
            for event in self.stream:
                assert isinstance(event, dict)
                del event["choices"][0]["index"]
            return await super()._complete(request)

    with proxy_before(Turns()) as url:
        messages, streamed = conversed(agent_at(url, "secret", streaming=True))
    assert messages[1].tool_calls[0]["args"] == {"path": "a"}
    assert messages[-1].content == "It says 42."
    assert "It says 42." in streamed


def curl(url: str, *arguments: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--no-buffer", "--max-time", "60", *arguments, url],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_curl_reads_answers_and_streams(serve: Any) -> None:
    endpoint = serve(FakeEngine(("Hi",)))
    base = endpoint.base_url
    token = ("--header", f"Authorization: Bearer {endpoint.token}")
    assert json.loads(curl(f"{base}/models", *token))["data"][0]["id"] == "fake"
    assert "error" in json.loads(curl(f"{base}/models"))
    body = {"model": "fake", "messages": MESSAGES, "stream": True}
    sent = ("--header", "Content-Type: application/json", "--data", json.dumps(body))
    lines = curl(f"{base}/chat/completions", *token, *sent).strip().split("\n\n")
    assert lines[-1] == "data: [DONE]"
    texts = [json.loads(line[6:])["choices"][0]["delta"].get("content", "") for line in lines[:-1]]
    assert "".join(texts) == "Hi"
