"""The run's one way to ask a model: a request for candidates ends with the time for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

import openai
import pytest
from fake_engine import FakeEngine

from agent.provenance import Provenance
from agent.record import Record
from agent.repair.budget import Budget, BudgetSpent
from agent.thinker import ASKING, NEAR, Thinker
from agent.tracing import Prompts
from runtime.client import Client, Endpoint
from runtime.engine_errors import EngineBusy
from runtime.errors import EndpointRefused

Thinking = Callable[..., AbstractContextManager[Thinker]]
QUESTION = [{"role": "user", "content": "mend it"}]


class ServedAlready:
    """A host whose model is up."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def start(self, _: Callable[[str], None]) -> Endpoint:
        return self._endpoint

    def stop(self) -> None:
        pass


@pytest.fixture
def thinking(tmp_path: Path, serve: Callable[[FakeEngine], Endpoint]) -> Thinking:
    @contextmanager
    def think(*, deadline: float, engine: FakeEngine | None = None) -> Iterator[Thinker]:
        host = ServedAlready(serve(engine or FakeEngine(replies=("return a",))))
        budget = Budget(deadline=deadline, clock=lambda: 0.0)
        with closing(Record(tmp_path / "record.jsonl")) as record:
            kept = Prompts(Provenance())
            thinker = Thinker(host, budget, record, lambda _: None, kept=kept)
            with closing(thinker):
                yield thinker

    return think


def test_a_request_for_candidates_ends_with_the_time(thinking: Thinking) -> None:
    with thinking(deadline=0.0) as thinker, pytest.raises(BudgetSpent):
        thinker.chat(QUESTION)
    with thinking(deadline=1.0) as thinker:
        assert thinker.chat(QUESTION).texts == ("return a",)


@pytest.mark.parametrize("ask", ["chat", "complete", "branch"])
def test_a_request_that_is_silent_ends_with_the_time(ask: str, thinking: Thinking) -> None:
    engine = FakeEngine(endless=True)
    with thinking(deadline=0.5, engine=engine) as thinker, pytest.raises(BudgetSpent):
        asking(thinker)[ask]()
    assert engine.cancelled.wait(10), "the server goes on for nobody"


@pytest.mark.parametrize("ask", ["chat", "complete", "branch"])
@pytest.mark.parametrize(("left", "waited"), [(NEAR - 1, ASKING * (NEAR - 1)), (NEAR, None)])
def test_some_of_the_last_minute_is_kept_for_testing(
    ask: str, left: float, waited: float | None, thinking: Thinking, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    within = Client._within

    def spy(client: Client, seconds: float | None) -> openai.OpenAI:
        waits.append(seconds)
        return within(client, seconds)

    monkeypatch.setattr(Client, "_within", spy)
    with thinking(deadline=left) as thinker:
        asking(thinker)[ask]()
    assert waits == [waited]


@pytest.mark.parametrize(("left", "raised"), [(NEAR - 1, BudgetSpent), (NEAR, EndpointRefused)])
def test_a_busy_endpoint_ends_the_request_of_who_cannot_wait(
    left: float, raised: type[Exception], thinking: Thinking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    engine = FakeEngine(fail=EngineBusy("the server is full"))
    with thinking(deadline=left, engine=engine) as thinker, pytest.raises(raised):
        thinker.chat(QUESTION)


def asking(thinker: Thinker) -> dict[str, Callable[[], object]]:
    return {
        "chat": partial(thinker.chat, QUESTION),
        "complete": partial(thinker.complete, "a = ", "\n"),
        "branch": partial(thinker.branch, QUESTION, "def f(): return a"),
    }


def test_what_the_summary_says_is_waited_for(thinking: Thinking) -> None:
    with thinking(deadline=0.0) as thinker:
        assert thinker.chat(QUESTION, purpose="explain").texts == ("return a",)


def test_a_comparison_is_kept_with_where_each_piece_stands(
    thinking: Thinking, tmp_path: Path
) -> None:
    with thinking(deadline=1.0) as thinker:
        assert thinker.score(QUESTION, "def f(): ", ["a", "bcd"], [9, 4]) == (-1.0, -3.0)
    lines = (tmp_path / "record.jsonl").read_text("utf-8").splitlines()
    [told] = [entry["data"] for line in lines if (entry := json.loads(line))["kind"] == "model"]
    assert (told["forced"], told["continuations"], told["offsets"]) == (
        "def f(): ",
        ["a", "bcd"],
        [9, 4],
    )
    assert told["nats"] == [-1.0, -3.0]
    assert told["prompt_sha256"]
