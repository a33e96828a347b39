"""The proxy between the official SDK (or plain requests) and a server that gets things wrong."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import openai
import pytest
from quirky_upstream import BREAK, GOOD, HANG, Script, Step, chunk, running, said

from runtime.proxy.app import create_app
from runtime.proxy.quirks import Memory, Quirk, Switch
from runtime.proxy.upstream import Limits, Upstream

MESSAGES: Any = [{"role": "user", "content": "hi"}]
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
# Long ones where nothing is to be late, also on a busy machine; short ones where something is.
QUICK = Limits(after_end=0.2, pause=0.01, grace=20)
HASTY = Limits(first=0.5, idle=0.5, after_end=0.2, grace=20)
EAGER = Limits(progress=0.1, grace=0.1)


class Proxied:
    """A proxy before a scripted upstream."""

    def __init__(self, url: str, memory: Memory, script: Script) -> None:
        self.url = url
        self.memory = memory
        self.script = script

    def post(self, **changes: Any) -> httpx.Response:
        body = {"model": "m", "messages": MESSAGES} | changes
        headers = {"Authorization": "Bearer secret"}
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, headers=headers, timeout=30)

    def events(self, **changes: Any) -> list[dict[str, Any]]:
        """The events of a stream, which must end as clients want it."""
        response = self.post(stream=True, **changes)
        assert response.status_code == 200, response.text
        lines = [line for line in response.text.split("\n\n") if line]
        assert lines[-1] == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]

    def sdk(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="secret", max_retries=0)

    def seen(self) -> set[Quirk]:
        return {quirk for quirk, count in self.memory.seen.items() if count}


Start = Callable[..., Proxied]


@pytest.fixture
def proxied() -> Iterator[Start]:
    with ExitStack() as stack:

        def start(
            script: Script | None = None,
            *,
            switches: dict[Quirk, Switch] | None = None,
            limits: Limits = QUICK,
            context: int | None = None,
        ) -> Proxied:
            script = script or Script()
            serve = contextmanager(running)
            upstream_url = stack.enter_context(serve(script.app()))
            memory = Memory(f"{upstream_url}/v1", switches)
            upstream = Upstream(memory, "upstream-token", limits)
            app = create_app(memory, upstream, "secret", context)
            return Proxied(stack.enter_context(serve(app)), memory, script)

        yield start


def content(events: list[dict[str, Any]]) -> str:
    return "".join(
        choice["delta"].get("content") or "" for event in events for choice in event["choices"]
    )


def calls(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Names and arguments as a client that joins all pieces by index has them."""
    joined: dict[int, list[str]] = {}
    for event in events:
        for choice in event["choices"]:
            for piece in choice["delta"].get("tool_calls", ()):
                call = joined.setdefault(piece["index"], ["", "", ""])
                call[0] += piece["function"].get("name", "")
                call[1] += piece["function"]["arguments"]
                call[2] += piece.get("id", "")
    assert list(joined) == list(range(len(joined)))
    assert all(call[2] for call in joined.values())
    return [(call[0], call[1]) for call in joined.values()]


def finishes(events: list[dict[str, Any]]) -> list[str]:
    return [
        choice["finish_reason"]
        for event in events
        for choice in event["choices"]
        if choice["finish_reason"]
    ]


def test_a_faultless_upstream_passes_and_nothing_is_said_of_it(proxied: Start) -> None:
    proxy = proxied()
    events = proxy.events()
    assert content(events) == "Hello, world"
    assert finishes(events) == ["stop"]
    assert len({event["id"] for event in events}) == 1
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert proxy.post().json()["choices"][0]["message"]["content"] == "Hello, world"
    assert proxy.seen() == set()


def test_tokens_go_to_whom_they_are_for(proxied: Start) -> None:
    proxy = proxied()
    proxy.post()
    assert proxy.script.headers[0]["authorization"] == "Bearer upstream-token"
    assert httpx.get(f"{proxy.url}/v1/models").status_code == 401


@pytest.mark.parametrize(
    "script",
    [
        Script(stream=[HANG]),
        Script(streams=False),
        Script(statuses=[400], error={"error": {"message": "stream is not supported"}}),
    ],
    ids=["hangs", "answers whole", "refuses"],
)
def test_an_upstream_that_cannot_stream_streams(proxied: Start, script: Script) -> None:
    proxy = proxied(script, limits=HASTY if script.stream == [HANG] else QUICK)
    with proxy.sdk() as client:
        stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        text = "".join(event.choices[0].delta.content or "" for event in stream)
    assert text == "Hello, world"
    assert Quirk.STREAM in proxy.seen()
    # Known from now on: the second time it is not asked to stream.
    assert content(proxy.events()) == "Hello, world"
    assert proxy.script.asked[-1]["stream"] is False


def test_there_are_signs_of_life_while_the_upstream_cannot_stream(proxied: Start) -> None:
    script = Script(whole_after=0.5)
    proxy = proxied(script, switches={Quirk.STREAM: "on"}, limits=EAGER)
    events = proxy.events()
    assert [asked["stream"] for asked in script.asked] == [False]
    signs = [e for e in events[1:] if e["choices"][0]["delta"] == {"content": ""}]
    assert signs
    assert content(events) == "Hello, world"


def test_switched_off_a_hang_stays_a_hang_and_is_told(proxied: Start) -> None:
    proxy = proxied(Script(stream=[HANG]), switches={Quirk.STREAM: "off"}, limits=HASTY)
    response = proxy.post(stream=True)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "upstream_timeout"
    assert len(proxy.script.asked) == 1


@pytest.mark.parametrize(
    ("last", "limit", "want"),
    [
        ([], None, "stop"),
        ([chunk(finish_reason="")], None, "stop"),
        ([chunk(finish_reason="eos")], None, "stop"),
        ([chunk(finish_reason="max_tokens")], None, "length"),
        ([chunk() | {"choices": [], "usage": {"completion_tokens": 7}}], 7, "length"),
    ],
)
def test_a_missing_or_unknown_finish_reason_is_put_in(
    proxied: Start, last: list[Step], limit: int | None, want: str
) -> None:
    stream: list[Step] = [chunk({"content": "Hi"}), *last, "[DONE]"]
    proxy = proxied(Script(stream=stream, whole=said("Hi", None)))
    assert finishes(proxy.events(max_tokens=limit)) == [want]
    assert proxy.post().json()["choices"][0]["finish_reason"] == "stop"
    assert Quirk.FINISH in proxy.seen()


def test_missing_indices_and_frames_are_filled_in(proxied: Start) -> None:
    bare: list[Step] = [
        {"choices": [{"delta": {"content": "a"}}]},
        {"id": None, "choices": [{"index": "0", "delta": {"content": "b"}}]},
        {"id": "other", "choices": [{"delta": {}, "finish_reason": "stop"}]},
    ]
    whole = {"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}]}
    proxy = proxied(Script(stream=[*bare, "[DONE]"], whole=whole))
    events = proxy.events()
    assert content(events) == "ab"
    assert {choice["index"] for event in events for choice in event["choices"]} == {0}
    for key, kind in (("id", str), ("object", str), ("created", int), ("model", str)):
        assert all(isinstance(event[key], kind) for event in events)
    assert proxy.seen() == {Quirk.INDEX, Quirk.FRAME}
    answer = proxy.post().json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "ab"}


def native(*parts: dict[str, Any], finish: str = "tool_calls") -> list[Step]:
    """A stream with one event for each piece of a call."""
    return [
        chunk({"role": "assistant", "content": None}),
        *(chunk({"tool_calls": [part]}) for part in parts),
        chunk(finish_reason=finish),
        "[DONE]",
    ]


def piece(name: str | None, arguments: Any, **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"type": "function", "function": function} | more


A, B = ("look", '{"path": "a"}'), ("look", '{"path": "b"}')


@pytest.mark.parametrize(
    ("stream", "want", "quirk"),
    [
        (native(piece(*A, index=0, id="x"), piece(*B, index=1, id="y")), [A, B], None),
        (native(piece(*A, id="x"), piece(*B, id="y")), [A, B], Quirk.INDEX),
        (native(piece(*A, index=0, id="x"), piece(*B, index=0, id="y")), [A, B], Quirk.INDEX),
        (native(piece(*A, index=1, id="x")), [A], Quirk.INDEX),
        (native(piece(*A), piece(*B)), [A, B], Quirk.INDEX),
        (
            native(piece("look", '{"path"', id="x"), piece(None, ': "a"}')),
            [A],
            Quirk.INDEX,
        ),
        (
            native(
                piece("look", "", index=0, id="x"),
                piece("look", '{"path": ', index=0, id="x"),
                piece("look", '"a"}', index=0, id="x"),
            ),
            [A],
            Quirk.REPEATS,
        ),
        (native(piece("look", {"path": "a"}, index=0, id="x")), [A], Quirk.ARGUMENTS),
        (native(piece("look", None, index=0, id="x")), [("look", "{}")], None),
        (native(piece(*A, index=0, id="x"), finish="stop"), [A], None),
    ],
)
def test_pieces_of_calls_are_put_in_order(
    proxied: Start, stream: list[Step], want: list[tuple[str, str]], quirk: Quirk | None
) -> None:
    proxy = proxied(Script(stream=stream))
    events = proxy.events(tools=TOOLS)
    assert calls(events) == want
    assert finishes(events) == ["tool_calls"]
    assert quirk is None or quirk in proxy.seen()


TEXT_CALL = '<tool_call>{"name": "look", "arguments": {"path": "a"}}</tool_call>'


def test_calls_left_in_text_become_real_ones(proxied: Start) -> None:
    said_text = "Let me see.\n" + TEXT_CALL
    pieces = [chunk({"content": letter}) for letter in said_text]
    stream: list[Step] = [*pieces, chunk(finish_reason="stop"), "[DONE]"]
    proxy = proxied(Script(stream=stream, whole=said(said_text)))
    events = proxy.events(tools=TOOLS)
    assert calls(events) == [A]
    assert content(events) == "Let me see.\n"
    assert finishes(events) == ["tool_calls"]
    [choice] = proxy.post(tools=TOOLS).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Let me see."
    [call] = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"path": "a"}'}
    assert Quirk.TOOL_TEXT in proxy.seen()
    assert content(proxy.events()) == said_text, "without tools it is text"


@pytest.mark.parametrize("stream", [True, False])
def test_switched_off_calls_stay_text(proxied: Start, stream: bool) -> None:
    script = Script(stream=[chunk({"content": TEXT_CALL}, finish_reason="stop"), "[DONE]"])
    script.whole = said(TEXT_CALL)
    proxy = proxied(script, switches={Quirk.TOOL_TEXT: "off"})
    if stream:
        assert content(proxy.events(tools=TOOLS)) == TEXT_CALL
    else:
        message = proxy.post(tools=TOOLS).json()["choices"][0]["message"]
        assert message["content"] == TEXT_CALL


def test_missing_samples_are_asked_for(proxied: Start) -> None:
    proxy = proxied()
    events = proxy.events(n=3, seed=7)
    heard = ["", "", ""]
    for event in events:
        for choice in event["choices"]:
            heard[choice["index"]] += choice["delta"].get("content") or ""
    assert heard == ["Hello, world"] * 3
    assert finishes(events) == ["stop"] * 3
    assert [(asked["n"], asked["seed"]) for asked in proxy.script.asked] == [(3, 7), (2, 8), (1, 9)]
    assert len(proxy.post(n=2).json()["choices"]) == 2
    assert Quirk.SAMPLES in proxy.seen()


def test_a_stream_that_only_stops_being_sent_ends(proxied: Start) -> None:
    proxy = proxied(Script(stream=[*GOOD[:-1], HANG]))
    assert finishes(proxy.events()) == ["stop"]
    assert proxy.seen() == {Quirk.DONE}
    ended = proxied(Script(stream=GOOD[:-1]))
    assert finishes(ended.events()) == ["stop"]
    assert ended.seen() == {Quirk.DONE}


USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


@pytest.mark.parametrize("own_event", [True, False])
def test_counts_come_once_at_the_end_and_only_when_asked_for(
    proxied: Start, own_event: bool
) -> None:
    last = chunk(finish_reason="stop")
    ending = (
        [last, last | {"choices": [], "usage": USAGE}] if own_event else [last | {"usage": USAGE}]
    )
    proxy = proxied(Script(stream=[chunk({"content": "Hi"}), *ending, "[DONE]"]))
    asking = proxy.events(stream_options={"include_usage": True})
    assert (asking[-1]["choices"], asking[-1]["usage"]) == ([], USAGE)
    assert sum("usage" in event for event in asking) == 1
    assert not any("usage" in event for event in proxy.events())
    assert (Quirk.USAGE in proxy.seen()) != own_event


@pytest.mark.parametrize(
    ("error", "want"),
    [
        ({"error": {"message": "bad model", "type": "x", "code": 7}}, "bad model"),
        ({"error": "bad model"}, "bad model"),
        ({"detail": [{"msg": "bad model"}]}, "bad model"),
        ("bad model", "bad model"),
        ("", "status 404"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_have_their_status_and_the_shape_of_openai(
    proxied: Start, error: Any, want: str, stream: bool
) -> None:
    proxy = proxied(Script(statuses=[404], error=error))
    with proxy.sdk() as client, pytest.raises(openai.NotFoundError, match=want):
        client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
    assert (Quirk.ERRORS in proxy.seen()) != (isinstance(error, dict) and "code" in str(error))


def test_a_refused_upstream_token_is_not_the_clients(proxied: Start) -> None:
    response = proxied(Script(statuses=[401])).post()
    assert response.status_code == 502
    assert "LOCUM_UPSTREAM_TOKEN" in response.json()["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
def test_an_upstream_that_is_busy_is_asked_again(proxied: Start, stream: bool) -> None:
    proxy = proxied(Script(statuses=[503, 429]))
    if stream:
        assert content(proxy.events()) == "Hello, world"
    else:
        assert proxy.post().status_code == 200
    assert len(proxy.script.asked) == 3


def test_it_is_asked_again_only_so_often(proxied: Start) -> None:
    proxy = proxied(Script(statuses=[503] * 9))
    assert proxy.post().status_code == 503
    assert len(proxy.script.asked) == 3


@pytest.mark.parametrize("end", [BREAK, HANG])
def test_what_breaks_off_is_an_error_and_never_asked_again(proxied: Start, end: str) -> None:
    proxy = proxied(Script(stream=[*GOOD[:2], end]), limits=HASTY if end == HANG else QUICK)
    events = proxy.events()
    assert content(events[:-1]) == "Hello"
    assert events[-1]["error"]["code"] in ("upstream_broke_off", "upstream_timeout")
    assert len(proxy.script.asked) == 1


def test_nobody_upstream_is_a_bad_gateway(proxied: Start) -> None:
    proxy = proxied()
    proxy.memory.upstream = "http://127.0.0.1:9/v1"
    upstream = Upstream(proxy.memory, limits=QUICK)
    with contextmanager(running)(create_app(proxy.memory, upstream, "secret")) as url:
        alone = Proxied(url, proxy.memory, proxy.script)
        for stream in (True, False):
            response = alone.post(stream=stream)
            assert response.status_code == 502
            assert response.json()["error"]["code"] == "upstream_unreachable"


def test_a_client_that_leaves_ends_the_request_upstream(proxied: Start) -> None:
    proxy = proxied(Script(stream=[*GOOD[:2], HANG]), limits=Limits())
    with (
        httpx.Client(timeout=30) as client,
        client.stream(
            "POST",
            f"{proxy.url}/v1/chat/completions",
            json={"model": "m", "messages": MESSAGES, "stream": True},
            headers={"Authorization": "Bearer secret"},
        ) as response,
    ):
        assert next(response.iter_lines()).startswith("data: ")
    assert proxy.script.left.wait(20)


LONG = [{"role": "user", "content": "word " * 700}]


def test_a_prompt_that_does_not_fit_is_refused_with_both_counts(proxied: Start) -> None:
    proxy = proxied(context=512)
    for stream in (True, False):
        error = proxy.post(messages=LONG, stream=stream)
        assert error.status_code == 400
        told = error.json()["error"]
        assert told["code"] == "context_length_exceeded"
        assert "630" in told["message"]
        assert "512" in told["message"]
    assert proxy.script.asked == []
    assert proxy.post().status_code == 200


@pytest.mark.parametrize(
    "told",
    [
        {"/v1/models": {"data": [{"id": "m", "max_model_len": 512}]}},
        {"/props": {"default_generation_settings": {"n_ctx": 512}}},
        {"/api/ps": {"models": [{"name": "m", "context_length": 512}]}},
    ],
)
def test_the_context_is_what_the_upstream_says(proxied: Start, told: Any) -> None:
    proxy = proxied(Script(more=told))
    assert proxy.post(messages=LONG).status_code == 400
    assert proxy.post().status_code == 200


def test_the_upstreams_own_tokenizer_counts_exactly(proxied: Start) -> None:
    more = {
        "/v1/models": {"data": [{"id": "m", "max_model_len": 1000}]},
        "/tokenize": {"tokens": list(range(1200))},
    }
    error = proxied(Script(more=more)).post(messages=LONG).json()["error"]
    assert error["message"].startswith("the prompt has 1203 tokens")


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_to_a_prompt_that_was_cut_is_withheld(proxied: Start, stream: bool) -> None:
    read = {"prompt_tokens": 400, "completion_tokens": 2, "total_tokens": 402}
    script = Script(whole=said("Hello, world") | {"usage": read})
    script.stream = [*GOOD[:-1], chunk() | {"choices": [], "usage": read}, "[DONE]"]
    proxy = proxied(script, context=1000)
    response = proxy.post(messages=LONG, stream=stream)
    assert "Hello" not in response.text
    assert "read only 400" in response.text
    assert proxy.seen() == {Quirk.TRUNCATION}
    off = proxied(script, switches={Quirk.TRUNCATION: "off"}, context=1000)
    assert "Hello" in off.post(messages=LONG, stream=stream).text


def test_a_cut_that_shows_too_late_is_an_error_event(proxied: Start) -> None:
    read = {"prompt_tokens": 400, "completion_tokens": 2, "total_tokens": 402}
    stream = [*GOOD[:-1], chunk() | {"choices": [], "usage": read}, "[DONE]"]
    events = proxied(Script(stream=stream)).events(messages=LONG)
    assert events[-1]["error"]["code"] == "context_length_exceeded"
    assert finishes(events[:-1]) == []


def test_plain_completions_are_healed_too(proxied: Start) -> None:
    stream: list[Step] = [
        {"choices": [{"text": "one"}]},
        {"choices": [{"text": " two", "finish_reason": "length"}]},
    ]
    whole = {"choices": [{"text": "one two"}]}
    proxy = proxied(Script(stream=stream, whole=whole))
    with proxy.sdk() as client:
        events = list(client.completions.create(model="m", prompt="x", stream=True))
        assert "".join(event.choices[0].text for event in events) == "one two"
        assert events[-1].choices[0].finish_reason == "length"
        answer = client.completions.create(model="m", prompt="x")
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("one two", "stop")


@pytest.mark.parametrize(
    "body",
    [[], {}, {"model": "m"}, {"model": "m", "messages": []}, {"model": "m", "messages": ["x"]}],
)
def test_what_is_no_request_is_refused_here(proxied: Start, body: Any) -> None:
    proxy = proxied()
    headers = {"Authorization": "Bearer secret"}
    url = f"{proxy.url}/v1/chat/completions"
    response = httpx.post(url, json=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert proxy.script.asked == []


BARE: list[Step] = [
    {"id": "a", "choices": [{"delta": {"content": "Hi"}}]},
    {"id": "b", "choices": [{"delta": {"content": "!"}, "finish_reason": "eos"}], "usage": USAGE},
]
TWICE = native(piece("look", "", index=0, id="x"), piece(*A, index=0, id="x"))


@pytest.mark.parametrize(
    ("quirk", "stream", "fault"),
    [
        (Quirk.FINISH, BARE, '"finish_reason": "eos"'),
        (Quirk.FRAME, BARE, '"id": "b"'),
        (Quirk.INDEX, BARE, '"index": null'),
        (Quirk.USAGE, BARE, '}], "usage"'),
        (Quirk.ARGUMENTS, native(piece("look", {"path": "a"}, index=0)), '"arguments": {"path"'),
        (Quirk.REPEATS, TWICE, '"id": "x"'),
    ],
)
def test_switched_off_a_fault_is_left_alone(
    proxied: Start, quirk: Quirk, stream: list[Step], fault: str
) -> None:
    often = 2 if quirk is Quirk.REPEATS else 1
    for switch, want in (("off", True), ("auto", False)):
        proxy = proxied(Script(stream=stream), switches={quirk: switch})
        text = proxy.post(stream=True, tools=TOOLS).text
        assert (text.count(fault) >= often) == want
        assert quirk in proxy.seen()


def test_switched_off_a_missing_end_stays_missing(proxied: Start) -> None:
    proxy = proxied(Script(stream=GOOD[:-1]), switches={Quirk.DONE: "off"})
    assert "[DONE]" not in proxy.post(stream=True).text


def test_switched_off_missing_samples_and_odd_errors_stay(proxied: Start) -> None:
    off: dict[Quirk, Switch] = {Quirk.SAMPLES: "off", Quirk.ERRORS: "off"}
    proxy = proxied(Script(statuses=[200, 400]), switches=off)
    assert len(proxy.post(n=3).json()["choices"]) == 1
    assert proxy.post().json() == {"error": "no"}


def test_health_tells_what_was_seen(proxied: Start) -> None:
    proxy = proxied(Script(streams=False))
    proxy.events()
    told = httpx.get(f"{proxy.url}/health", headers={"Authorization": "Bearer secret"}).json()
    assert told["seen"]["stream"] == 1
