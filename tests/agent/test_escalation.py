"""Code leaves for a second endpoint only where the user wants it, and is told before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine

from agent.errors import Unusable
from agent.escalation import ESCALATED, TOKEN, EscalationHost, checked, escalated
from agent.events import Event, Note
from agent.record import Record
from agent.state import Task
from runtime.client import Endpoint
from runtime.errors import EndpointUnreachable


@pytest.mark.parametrize(
    ("url", "plain", "allowed"),
    [
        ("https://models.example/v1", False, True),
        ("http://127.0.0.1:8080/v1", False, True),
        ("http://[::1]:8080/v1", False, True),
        ("http://localhost:8080/v1", False, True),
        ("http://models.example/v1", True, True),
        ("http://models.example/v1", False, False),
        ("http://192.168.1.9/v1", False, False),
        ("http://127.0.0.1.example/v1", False, False),
        ("http://localhost.example/v1", False, False),
        ("https://me:secret@models.example/v1", False, False),
        ("ftp://models.example/v1", True, False),
        ("models.example/v1", True, False),
        ("", True, False),
    ],
)
def test_where_code_may_be_sent(url: str, plain: bool, allowed: bool) -> None:
    if allowed:
        assert checked(url, allow_plain_http=plain) == url
        return
    with pytest.raises(Unusable, match="--escalate"):
        checked(url, allow_plain_http=plain)


class Heard:
    """What was said in which order."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.said: list[str] = []

    def emit(self, event: Event) -> None:
        assert isinstance(event, Note)
        assert event.level == "warning"
        self.said.append(event.text)

    def host(self, url: str) -> EscalationHost:
        task = Task(path="/nowhere", model="small", escalate=url)
        return EscalationHost(task, self.record, self.emit, self.said.append)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    with closing(Record(tmp_path / "record.jsonl")) as record:
        yield Heard(record)


def test_it_is_said_and_recorded_before_the_first_byte_goes(heard: Heard) -> None:
    url = "http://127.0.0.1:9/v1"
    host = heard.host(url)
    assert heard.said == []
    assert escalated(heard.record) == ""
    with pytest.raises(EndpointUnreachable):
        host.start(lambda _: None)
    assert heard.said == [
        f"Code and test output of the repository are sent to {url} from here on.",
        url,
    ]
    assert escalated(heard.record) == url
    assert ESCALATED in heard.record.path.read_text()


def test_its_token_comes_from_the_environment(
    heard: Heard, serve: Callable[[FakeEngine], Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(FakeEngine())
    monkeypatch.setenv(TOKEN, served.token)
    found: Any = heard.host(served.base_url).start(lambda _: None)
    assert (found.token, found.model) == (served.token, served.model)
    assert served.token not in heard.record.path.read_text()
