"""Rewriting some lines of a long function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.repair.budget import Budget
from agent.repair.edit import apply_splices
from agent.repair.python.language import PythonLanguage
from agent.repair.rewrite import LONG, WINDOW_LINES, RewriteProposer
from agent.repair.seams import Candidate, Evidence
from runtime.client import Answer, Usage

ROWS = [f"    if a == {n}:\n        a += {n}\n" for n in range(100, 130)]
SOURCE = f"def f(a):\n{''.join(ROWS)}    return a\n"
SHORT = f"def f(a):\n{''.join(ROWS[:10])}    return a\n"
WORST = 2 + 2 * 15
"""Line of `if a == 115`."""
Build = Callable[..., Evidence]


class Scripted:
    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.counts: list[int] = []
        self.limits: list[int] = []

    def chat(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Answer:
        self.asked.append(messages[-1]["content"])
        self.counts.append(options["n"])
        self.limits.append(options["max_tokens"])
        return Answer((self.answer,), (), ("stop",), Usage(1, 1), 0.0)


def proposed(
    model: Scripted, evidence: Evidence, budget: Budget, samples: int = 1
) -> list[Candidate]:
    proposer = RewriteProposer(model, (PythonLanguage(),), spread=((samples, 0.6),))
    return list(proposer.propose(evidence, budget))


def test_only_the_lines_around_the_worst_are_asked_for(evidence: Build, budget: Budget) -> None:
    model = Scripted("")
    proposed(model, evidence(SOURCE, "f", lines={WORST: 1.0, WORST + 1: 0.9}), budget)
    (question,) = model.asked
    asked = question.partition("Only these lines need to change.")[2]
    assert "if a == 115:" in asked
    assert "if a == 101:" not in asked
    assert "if a == 101:" in question, "the whole function is shown all the same"
    assert asked.count("\n") == WINDOW_LINES + 2


def test_the_answer_takes_the_place_of_those_lines(evidence: Build, budget: Budget) -> None:
    given = evidence(SOURCE, "f", lines={WORST: 1.0})
    model = Scripted("")
    proposed(model, given, budget)
    lines = model.asked[0].rpartition("Only these lines")[2].partition("```\n")[2]
    new = lines.rpartition("\n```")[0].replace("== 115", "== 215")
    (candidate,) = proposed(Scripted(f"```python\n{new}\n```"), given, budget)
    assert apply_splices(SOURCE, candidate.splices) == SOURCE.replace("== 115", "== 215")
    assert candidate.operator.startswith("sample at t=0.6, lines ")
    assert candidate.operator.endswith(" only")


def test_a_window_that_begins_inside_a_block_may_be_answered_without_its_margin(
    evidence: Build, budget: Budget
) -> None:
    given = evidence(SOURCE, "f", lines={13: 0.5, WORST: 1.0})
    model = Scripted("")
    proposed(model, given, budget)
    lines = model.asked[0].rpartition("Only these lines")[2].partition("```\n")[2]
    old = lines.rpartition("\n```")[0]
    assert old.startswith("        a += "), "the first line is not the outermost one"
    flush = "\n".join(row[4:] for row in old.replace("== 115", "== 215").split("\n"))
    (candidate,) = proposed(Scripted(f"```\n{flush}\n```"), given, budget)
    assert apply_splices(SOURCE, candidate.splices) == SOURCE.replace("== 115", "== 215")


def test_a_model_that_writes_the_whole_function_is_understood(
    evidence: Build, budget: Budget
) -> None:
    given = evidence(SOURCE, "f", lines={WORST: 1.0})
    answer = SOURCE.replace("== 115", "== 215")
    (candidate,) = proposed(Scripted(f"```python\n{answer}```"), given, budget)
    assert apply_splices(SOURCE, candidate.splices) == answer


def test_samples_are_shared_among_the_windows_and_short(evidence: Build, budget: Budget) -> None:
    model = Scripted("")
    proposed(model, evidence(SOURCE, "f", lines={5: 1.0, 50: 0.5}), budget, samples=8)
    assert model.counts == [4, 4]
    assert max(model.limits) < 400


def test_a_short_function_is_rewritten_whole(evidence: Build, budget: Budget) -> None:
    assert SHORT.count("\n") < LONG
    model = Scripted("")
    proposed(model, evidence(SHORT, "f", lines={5: 1.0}), budget)
    assert "Only these lines" not in model.asked[0]
