from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.repair.branch import BranchProposer
from agent.repair.budget import Budget
from agent.repair.edit import apply_splices
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence
from runtime.client import Branch
from runtime.errors import BranchingUnsupported

SOURCE = "class A:\r\n    def f(self, a):\r\n        b = a\r\n        return b\r\n"


class Scripted:
    """Branches at places given as text of the forced answer."""

    def __init__(
        self, *places: tuple[str, str, float], supported: bool = True, skip: int = 0
    ) -> None:
        """`skip`: characters at the beginning of the forced answer where no place is sought."""
        self.places = places
        self.skip = skip
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
        starts = [forced.index(place, self.skip) for place, _, _ in self.places]
        ends = [(forced + "\n").index("\n", start) for start in starts]
        return [
            Branch(start, end, text, nats, 1.0, True)
            for start, end, (_, text, nats) in zip(starts, ends, self.places, strict=True)
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
    # One character of the closing fence: a line may follow the last one.
    assert model.forced[begin:end] == "    def f(self, a):\n        b = a\n        return b\n`"
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


def test_a_line_may_follow_the_last_one(evidence: Callable[..., Evidence], budget: Budget):
    model = Scripted(("```", "        self.b = 1", -2.0), skip=10)
    _, candidates = proposed(model, evidence(SOURCE + "x = 1\r\n", "A.f"), budget)
    assert texts(candidates, SOURCE + "x = 1\r\n") == [SOURCE + "        self.b = 1\r\nx = 1\r\n"]
    assert candidates[0].log_probability == -2.0, "what is added replaces nothing"


def test_blocks_are_asked_for_where_lines_may_go_on(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "A.f")
    for lines, blocks in ((1, False), (6, True)):
        model = Scripted()
        proposer = BranchProposer(model, (PythonLanguage(),), lines=lines, rejoin=2, line_starts=9)
        assert list(proposer.propose(before, budget)) == []
        assert (model.options["lines"], bool(model.options["blocks"])) == (lines, blocks)
        assert (model.options["rejoin"], model.options["line_starts"]) == (2, 9)
