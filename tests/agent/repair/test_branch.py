from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.repair.branch import BranchProposer, splices
from agent.repair.edit import apply_splices
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Budget, Candidate, Evidence
from runtime.client import Branch
from runtime.errors import BranchingUnsupported

SOURCE = "class A:\r\n    def f(self, a):\r\n        b = a\r\n        return b\r\n"


class Scripted:
    """Branches at places given as text of the forced answer."""

    def __init__(self, *places: tuple[str, str, float], supported: bool = True) -> None:
        self.places = places
        self.supported = supported
        self.forced = ""
        self.options: dict[str, Any] = {}
        self.messages: Sequence[Mapping[str, Any]] = ()

    def branch(
        self, messages: Sequence[Mapping[str, Any]], forced: str, **options: Any
    ) -> Sequence[Branch]:
        if not self.supported:
            raise BranchingUnsupported("no branching here")
        self.messages, self.forced, self.options = messages, forced, options
        return [
            Branch(forced.index(place) if place else 10**6, text, nats, 1.0, True)
            for place, text, nats in self.places
        ]


def texts(candidates: Sequence[Candidate], source: str = SOURCE) -> list[str]:
    return [apply_splices(source, candidate.splices) for candidate in candidates]


def proposed(
    model: Scripted, evidence: Evidence, budget: Budget
) -> tuple[BranchProposer, list[Candidate]]:
    proposer = BranchProposer(model, (PythonLanguage(),))
    return proposer, list(proposer.propose(evidence, budget))


def test_the_rest_of_a_line_is_replaced_and_line_ends_are_kept(
    evidence: Callable[..., Evidence], budget: Budget
):
    model = Scripted(("a\n        return", "a + 1", -2.0))
    _, candidates = proposed(model, evidence(SOURCE, "A.f"), budget)
    assert SOURCE.replace("b = a", "b = a + 1") in texts(candidates)
    assert candidates[0].log_probability == 1.0, "the surprise: what it replaces is weighed too"


def test_the_function_is_forced_inside_its_class(evidence: Callable[..., Evidence], budget: Budget):
    model = Scripted()
    proposed(model, evidence(SOURCE, "A.f"), budget)
    assert model.forced.startswith("```python\nclass A:\n    def f(self, a):\n")
    assert model.forced.endswith("return b\n```")
    begin, end = model.options["first"], model.options["last"]
    assert model.forced[begin:end] == "    def f(self, a):\n        b = a\n        return b\n"
    assert "1234" in model.messages[-1]["content"]


def test_likelier_branches_on_suspicious_lines_come_first(
    evidence: Callable[..., Evidence], budget: Budget
):
    model = Scripted(("b = a", "b = -a", -3.0), ("return b", "return self", -1.0))
    _, candidates = proposed(model, evidence(SOURCE, "A.f", lines={3: 1.0, 4: 0.01}), budget)
    assert texts(candidates)[0] == SOURCE.replace("b = a", "b = -a")


def test_no_two_candidates_are_the_same_code(evidence: Callable[..., Evidence], budget: Budget):
    model = Scripted(("b = a", "b = -a", -3.0), ("= a", "= - a  # no", -4.0))
    _, candidates = proposed(model, evidence(SOURCE, "A.f"), budget)
    shapes = [PythonLanguage().fingerprint(text) for text in texts(candidates)]
    assert len(set(shapes)) == len(shapes)


def test_an_endpoint_without_branching_is_asked_once(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "A.f")
    twice = replace(before, suspects=before.suspects * 2)
    proposer, candidates = proposed(Scripted(supported=False), twice, budget)
    assert candidates == []
    assert proposer.unsupported


@pytest.mark.parametrize(
    ("at", "text", "results"),
    [
        ("x = 1", "y = 2", {"  y = 2\n  z = 3\n", "  y = 2\n", "  y = 2\n  x = 1\n  z = 3\n"}),
        ("1", "2", {"  x = 2\n  z = 3\n", "  x = 2\n"}),
        ("x = 1", "if y:", {"  if y:\n      x = 1\n  z = 3\n"}),
        ("3", "4", {"  x = 1\n  z = 4\n"}),
    ],
)
def test_ways_to_lay_a_branch_in(at: str, text: str, results: set[str]):
    source = "  x = 1\n  z = 3\n"
    found = {edit.apply(source) for edit in splices(source, source.index(at), text)}
    assert results <= found
