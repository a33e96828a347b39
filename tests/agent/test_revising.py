"""A person wants another patch: an alternative, an own edit, another search. The tests decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fake_engine import FakeEngine

from agent import eventlog, runner
from agent import home as runs_home
from agent.approval import ApprovalAnswer, ApprovalRequest, Revision
from agent.events import BudgetChanged, Done, Event, ItemFinished
from agent.state import Scope, Status, Task
from runtime.client import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_edits")]

BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_second():\n    assert larger(5, 9) == 9\n"
)
Say = Callable[[ApprovalRequest], ApprovalAnswer]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(TESTS)
    return root


@pytest.fixture
def answered(
    home: Path,
    serve: Callable[[FakeEngine], Endpoint],
    repo: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Sequence[Say]], tuple[list[ApprovalRequest], list[Event]]]:
    """A whole run whose questions are answered one by one; the questions and the events."""
    served = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)

    def go(says: Sequence[Say]) -> tuple[list[ApprovalRequest], list[Event]]:
        waiting = list(says)
        questions: list[ApprovalRequest] = []

        def approve(request: ApprovalRequest) -> ApprovalAnswer:
            questions.append(request)
            return waiting.pop(0)(request)

        task = Task(
            path=str(repo), model="fake", endpoint=served.base_url, scope=Scope.BUGS,
            budget_seconds=600.0,
        )  # fmt: skip
        events = list(runner.start(task).events(approve))
        assert waiting == []
        return questions, events

    return go


def yes(_: ApprovalRequest) -> ApprovalAnswer:
    return ApprovalAnswer(True)


def wish(revision: Revision, reason: str = "") -> Say:
    return lambda _: ApprovalAnswer(False, reason, revision=revision)


def test_an_alternative_takes_the_place_of_the_chosen_edit(answered: object, repo: Path) -> None:
    assert callable(answered)
    questions, events = answered([wish(Revision("alternative", 1, 0)), yes])
    first, second = questions
    assert len(first.alternatives) >= 1, "positive control"
    wanted = first.alternatives[0].diff
    assert all(one.why for one in first.alternatives)
    assert "in the patch now" in second.note
    added = [row[1:] for row in wanted.splitlines() if row.startswith("+ ")]
    assert added
    assert added[0] in (repo / "calc.py").read_text()
    done = events[-1]
    assert isinstance(done, Done)
    assert done.exit_status == 0
    assert "Chosen by a person" in done.summary
    (log,) = runs_home.runs_root().glob("*/events.jsonl")
    assert [event for _, event in eventlog.read(log)] == events, "the log has the whole stream"


def test_an_own_edit_is_tested_and_applied(answered: object, repo: Path) -> None:
    assert callable(answered)
    bad = wish(Revision("edited", files={"calc.py": "def larger(a, b):\n    return b\n"}))
    own = "def larger(a, b):\n    return max(a, b)\n"
    questions, events = answered([bad, wish(Revision("edited", files={"calc.py": own})), yes])
    assert "passed before and fails now" in questions[1].note
    assert "edited by hand and tested" in questions[2].note
    assert questions[2].alternatives == ()
    assert (repo / "calc.py").read_text() == own
    done = events[-1]
    assert isinstance(done, Done)
    assert done.exit_status == 0
    assert "edited by hand" in done.summary


def test_a_refused_edit_is_searched_on_and_never_offered_again(
    answered: object, repo: Path
) -> None:
    assert callable(answered)
    _, events = answered([wish(Revision("another"), "it is not what I mean"), yes])
    patches = [
        event.item.patch
        for event in events
        if isinstance(event, ItemFinished) and event.item.status is Status.FIXED
    ]
    assert len(patches) == 2
    assert patches[0] != patches[1]
    assert any(isinstance(event, BudgetChanged) for event in events)
    text = (repo / "calc.py").read_text()
    assert text != BUGGY
    (directory,) = runs_home.runs_root().iterdir()
    record = (directory / runs_home.RECORD).read_text()
    assert '"kind":"refused"' in record
    assert "it is not what I mean" in record


def test_a_plain_no_ends_the_run(answered: object, repo: Path) -> None:
    assert callable(answered)
    questions, events = answered([lambda _: ApprovalAnswer(False, "Not today")])
    assert len(questions) == 1
    assert questions[0].copy
    assert (repo / "calc.py").read_text() == BUGGY
    done = events[-1]
    assert isinstance(done, Done)
    assert done.exit_status == 3
    assert "Not today" in done.summary
