from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from agent.repair.budget import Budget
from agent.repair.converse import SAME_CALLS, TURNS, ConverseProposer
from agent.repair.edit import apply_splices
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence
from runtime.client import Answer, ToolCall, Usage

SOURCE = "from other import helper\n\n\ndef f(a):\n    return helper(a)\n"
OTHER = "class A:\n    def helper(self):\n        return 0\n\n\ndef helper(a):\n    return a - 1\n"
ANSWER = "The bug:\nother.py: helper\n```python\ndef helper(a):\n    return a + 1\n```"
Build = Callable[..., Evidence]


class Talker:
    """Asks for tools as scripted, and then says its answers."""

    def __init__(self, *answers: str, calls: Sequence[tuple[str, str]] = ()) -> None:
        self.answers = answers
        self.calls = list(calls)
        self.asked: list[list[Mapping[str, Any]]] = []
        self.options: list[dict[str, Any]] = []

    def chat(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Answer:
        self.asked.append(list(messages))
        self.options.append(options)
        usage = Usage(1, 1)
        if not options.get("tools"):
            return Answer(self.answers, (), ("stop",) * len(self.answers), usage, 0.0)
        if not self.calls:
            return Answer(("I know.",), (), ("stop",), usage, 0.0)
        name, arguments = self.calls.pop(0)
        return Answer(("",), (ToolCall("1", name, arguments),), ("tool_calls",), usage, 0.0)


class Tools:
    def __init__(self) -> None:
        self.called: list[tuple[str, str]] = []

    def specs(self) -> list[dict[str, Any]]:
        return [{"type": "function", "function": {"name": "read_file", "parameters": {}}}]

    def call(self, name: str, arguments: str) -> str:
        self.called.append((name, arguments))
        return OTHER


@pytest.fixture
def given(evidence: Build, write: Callable[[Mapping[str, str]], Any]) -> Evidence:
    built = evidence(SOURCE, "f")
    write({"other.py": OTHER})
    return built


def proposed(talker: Talker, evidence: Evidence, budget: Budget) -> tuple[Tools, list[Candidate]]:
    tools = Tools()
    proposer = ConverseProposer(talker, tools, (PythonLanguage(),))
    return tools, list(proposer.propose(evidence, budget))


def test_a_function_of_another_file_is_mended(given: Evidence, budget: Budget) -> None:
    talker = Talker(ANSWER, calls=[("read_file", '{"path": "other.py"}')])
    tools, (candidate,) = proposed(talker, given, budget)
    assert tools.called == [("read_file", '{"path": "other.py"}')]
    (splice,) = candidate.splices
    assert splice.path == "other.py"
    assert apply_splices(OTHER, candidate.splices) == OTHER.replace("a - 1", "a + 1")
    last = talker.asked[-1]
    assert [message["role"] for message in last][-3:] == ["assistant", "tool", "user"]
    assert OTHER in last[-2]["content"]


def test_without_a_place_the_function_is_sought_among_the_suspects(
    given: Evidence, budget: Budget
) -> None:
    answer = "```python\ndef f(a):\n    return helper(a) + 2\n```"
    _, (candidate,) = proposed(Talker(answer), given, budget)
    assert candidate.splices[0].path == "m.py"


def test_three_equal_calls_end_the_reading(given: Evidence, budget: Budget) -> None:
    same = [("read_file", '{"path": "m.py"}')] * 9
    talker = Talker(ANSWER, calls=same)
    tools, candidates = proposed(talker, given, budget)
    assert len(tools.called) == SAME_CALLS - 1
    assert len(candidates) == 1, "it answers all the same"


def test_the_turns_are_bounded(given: Evidence, budget: Budget) -> None:
    calls = [("read_file", f'{{"path": "{n}.py"}}') for n in range(99)]
    tools, _ = proposed(Talker(ANSWER, calls=calls), given, budget)
    assert len(tools.called) == TURNS


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot.",
        "other.py: helper",
        "```python\ndef missing():\n    return 1\n```",
        "other.py: helper\n```python\ndef helper(a):\n    return a - 1  # same\n```",
        "test_m.py: test_f\n```python\ndef test_f():\n    pass\n```",
        "../other.py: nothing\n```python\ndef nothing():\n    pass\n```",
    ],
)
def test_answers_that_are_no_candidates(given: Evidence, budget: Budget, answer: str) -> None:
    assert proposed(Talker(answer), given, budget)[1] == []


def test_equal_answers_are_one_candidate(given: Evidence, budget: Budget) -> None:
    assert len(proposed(Talker(ANSWER, ANSWER), given, budget)[1]) == 1


def test_with_too_little_time_nothing_is_asked(given: Evidence) -> None:
    for seconds, asked in ((59.0, False), (61.0, True)):
        talker = Talker(ANSWER)
        proposed(talker, given, Budget(deadline=seconds, clock=lambda: 0.0))
        assert bool(talker.asked) is asked
