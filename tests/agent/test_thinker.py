"""The run's one way to ask a model: a request for candidates ends with the time for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from fake_engine import FakeEngine

from agent.record import Record
from agent.repair.seams import Budget, BudgetSpent
from agent.thinker import Thinker
from runtime.client import Endpoint

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
    def think(*, deadline: float) -> Iterator[Thinker]:
        host = ServedAlready(serve(FakeEngine(replies=("return a",))))
        budget = Budget(deadline=deadline, clock=lambda: 0.0)
        with closing(Record(tmp_path / "record.jsonl")) as record:
            thinker = Thinker(host, budget, record, lambda _: None)
            with closing(thinker):
                yield thinker

    return think


def test_a_request_for_candidates_ends_with_the_time(thinking: Thinking) -> None:
    with thinking(deadline=0.0) as thinker, pytest.raises(BudgetSpent):
        thinker.chat(QUESTION)
    with thinking(deadline=1.0) as thinker:
        assert thinker.chat(QUESTION).texts == ("return a",)


def test_what_the_summary_says_is_waited_for(thinking: Thinking) -> None:
    with thinking(deadline=0.0) as thinker:
        assert thinker.chat(QUESTION, purpose="explain").texts == ("return a",)
