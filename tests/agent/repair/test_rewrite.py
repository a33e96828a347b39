from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from agent.repair.budget import Budget
from agent.repair.edit import apply_splices, read_source
from agent.repair.python.language import PythonLanguage
from agent.repair.rewrite import GREEDY, SAMPLED, RewriteProposer, code_of
from agent.repair.seams import Evidence
from agent.repair.search import Search
from agent.repair.steps import Helpers, usual_steps
from runtime.client import Answer, Usage

SOURCE = (
    "import os\n\n\nclass A:\n    @property\n    def f(self):\n"
    "        b = 1\n        return b\n\n\nX = 1\n"
)
FENCED_FIX = "```python\ndef f(self):\n    return 2\n```"
FIXED = SOURCE.replace("return b", "return b + 1")


class Scripted:
    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []

    def chat(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Answer:
        self.requests.append(options)
        texts = self.answers[: options["n"]]
        return Answer(texts, (), ("stop",) * len(texts), Usage(1, 1), 0.0)


def results(
    answers: Sequence[str], evidence: Evidence, budget: Budget, source: str = SOURCE
) -> list[str]:
    proposer = RewriteProposer(
        Scripted(*answers), (PythonLanguage(),), spread=((len(answers), 0.0),)
    )
    return [apply_splices(source, c.splices) for c in proposer.propose(evidence, budget)]


@pytest.mark.parametrize(
    "answer",
    [
        "```python\nclass A:\n    @property\n    def f(self):\n"
        "        b = 1\n        return b + 1\n```",
        "Sure!\n```python\ndef f(self):\n    b = 1\n    return b + 1\n```\nDone.",
        "```\nimport sys\n\n\n@property\ndef f(self):\n  b = 1\n  return b + 1\n\nprint(f)\n```",
        "def f(self):\n    b = 1\n    return b + 1",
        "```python\n    @property\n    def f(self):\n        b = 1\n        return b + 1",
    ],
)
def test_the_function_is_put_back_in_its_place(
    answer: str, evidence: Callable[..., Evidence], budget: Budget
):
    (text,) = results([answer], evidence(SOURCE, "A.f"), budget)
    assert PythonLanguage().fingerprint(text) == PythonLanguage().fingerprint(FIXED)
    assert text.startswith("import os\n\n\nclass A:\n    @property\n    def f(self):\n")
    assert text.endswith("\n\n\nX = 1\n")


def test_untouched_lines_are_no_part_of_the_edit(evidence: Callable[..., Evidence], budget: Budget):
    answer = "```python\ndef f(self):\n    b = 1\n    return b + 1\n```"
    proposer = RewriteProposer(Scripted(answer), (PythonLanguage(),), spread=((1, 0.0),))
    (candidate,) = proposer.propose(evidence(SOURCE, "A.f"), budget)
    (splice,) = candidate.splices
    assert splice.text == "        return b + 1"
    assert SOURCE[splice.start : splice.end] == "        return b"


def test_a_file_without_a_last_newline_keeps_none(
    evidence: Callable[..., Evidence], budget: Budget
):
    source = "def f(a):\r\n    return a"
    answer = "```python\ndef f(a):\n    b = a\n    return b\n```"
    (text,) = results([answer], evidence(source, "f"), budget, source)
    assert text == "def f(a):\r\n    b = a\r\n    return b"


def test_same_code_other_functions_and_nonsense_are_no_candidates(
    evidence: Callable[..., Evidence], budget: Budget
):
    same = "```python\n@property\ndef f(self):\n    b = 1  # why\n    return b\n```"
    answers = [same, "```python\ndef g():\n    pass\n```", "```python\ndef f(:\n```", "I cannot."]
    assert results(answers, evidence(SOURCE, "A.f"), budget) == []


def test_equal_samples_are_one_candidate(evidence: Callable[..., Evidence], budget: Budget):
    one = "```python\ndef f(self):\n    return 2\n```"
    other = "```python\ndef f(self):\n    return 2  # two\n```"
    assert len(results([one, other], evidence(SOURCE, "A.f"), budget)) == 1


def test_greedy_comes_first_and_a_spent_budget_ends_the_sampling(
    evidence: Callable[..., Evidence],
):
    model = Scripted("")
    budget = Budget(deadline=1.0, clock=lambda: 0.0, tokens=1)
    proposer = RewriteProposer(model, (PythonLanguage(),), spread=(*GREEDY, *SAMPLED))
    list(proposer.propose(evidence(SOURCE, "A.f"), budget))
    assert [r["temperature"] for r in model.requests] == [0.0, 0.6, 1.0]
    budget.tokens_used = 1
    model.requests.clear()
    list(proposer.propose(evidence(SOURCE, "A.f"), budget))
    assert model.requests == []


def test_a_second_endpoint_is_asked_for_samples_only_behind_its_greedy_answer(
    evidence: Callable[..., Evidence], budget: Budget
):
    larger, unused = Scripted(FENCED_FIX), cast(Any, None)
    steps = usual_steps(
        unused, unused, (PythonLanguage(),), read_source, Helpers(None, None, larger)
    )
    steps = [step for step in steps if step.name.startswith("escalate")]
    batches = Search(steps).batches(evidence(SOURCE, "A.f"), budget)
    assert [len(next(batches).candidates), len(larger.requests)] == [1, 1]
    assert (larger.requests[0]["n"], larger.requests[0]["temperature"]) == (1, 0.0)
    next(batches)
    assert [r["temperature"] for r in larger.requests] == [0.0, 0.6, 1.0]


def test_the_longest_block_of_an_answer_is_the_code():
    assert code_of("```\na\n```\n````python\nb = '```'\nc\n````\n") == "b = '```'\nc"
