from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agent.repair.combine import PairProposer
from agent.repair.python.language import PythonLanguage
from agent.repair.python.templates import PythonTemplates
from agent.repair.seams import Budget, Candidate, Evidence, Splice, Verdict
from agent.repair.search import Search, Step, usual_search
from agent.repair.templates import TemplateProposer

SOURCE = "def f(a, b):\n    if a < b:\n        return a\n    return b\n"


class Counted:
    """Proposes so many numbered candidates."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        for number in range(self.count):
            splice = Splice(path="m.py", start=number, end=number, text="#")
            yield Candidate(strategy=self.name, operator=str(number), splices=(splice,))


def templates() -> TemplateProposer:
    return TemplateProposer({"python": PythonTemplates()}, (PythonLanguage(),))


def test_rounds_follow_the_plan_and_leave_out_nothing(
    evidence: Callable[..., Evidence], budget: Budget
):
    cheap, dear = Counted("template", 70), Counted("branch", 3)
    search = usual_search(cheap, [dear])
    rounds = list(search.batches(evidence(SOURCE, "f"), budget))
    assert [(b.strategies, len(b.candidates), b.round) for b in rounds] == [
        (("branch", "template"), 63, 0),
        (("template",), 10, 1),
    ]
    assert [c.operator for c in rounds[1].candidates] == [str(n) for n in range(60, 70)]


def test_a_round_is_the_same_when_it_is_asked_for_again(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "f")
    search = usual_search(templates())
    once, again = (search.batch(1, before, budget) for _ in range(2))
    assert once is not None
    assert once == again
    assert once.round == 1


def test_empty_rounds_are_passed_over_and_the_end_is_none(
    evidence: Callable[..., Evidence], budget: Budget
):
    search = Search([[Step(Counted("a", 0))], [Step(Counted("b", 1))]])
    batch = search.batch(0, evidence(SOURCE, "f"), budget)
    assert batch is not None
    assert (batch.strategies, batch.round) == (("b",), 1)
    assert search.batch(2, evidence(SOURCE, "f"), budget) is None
    assert search.next_strategies(1) == ("b",)
    assert search.next_strategies(2) == ()


def test_a_search_may_be_left_some_strategies_only(
    evidence: Callable[..., Evidence], budget: Budget
):
    search = usual_search(Counted("template", 500), [Counted("branch", 3)], Counted("rewrite", 9))

    def taken(*wanted: str) -> list[tuple[str, int]]:
        batches = search.only(wanted).batches(evidence(SOURCE, "f"), budget)
        return [(batch.strategies, len(batch.candidates)) for batch in batches]

    assert taken("branch") == [(("branch",), 3)]
    assert taken("template:70") == [(("template",), 60), (("template",), 10)]
    assert taken("rewrite:1", "branch:2") == [(("branch",), 2), (("rewrite",), 1)]
    for wrong in ("magic", "branch:x", ""):
        with pytest.raises(ValueError, match="there are branch, template, rewrite"):
            taken(wrong)


def test_a_spent_budget_gives_no_batch(evidence: Callable[..., Evidence]):
    spent = Budget(deadline=0.0, clock=lambda: 0.0)
    assert usual_search(Counted("a", 5)).batch(0, evidence(SOURCE, "f"), spent) is None


def test_templates_of_all_suspects_are_merged_by_weight(
    evidence: Callable[..., Evidence], budget: Budget
):
    source = SOURCE + "\n\ndef g(a):\n    return a + 1\n"
    candidates = list(templates().propose(evidence(source, "f", "g"), budget))
    weights = [candidate.weight for candidate in candidates]
    assert weights == sorted(weights, key=lambda w: -(w or 0))
    lines = {source.count("\n", 0, c.splices[0].start) for c in candidates}
    assert lines >= {1, 7}


def test_tests_are_never_proposed_an_edit(evidence: Callable[..., Evidence], budget: Budget):
    before = evidence(SOURCE, "f")
    in_tests = before.suspects[0].model_copy(update={"path": "test_m.py"})
    assert list(templates().propose(replace(before, suspects=(in_tests,)), budget)) == []


def test_a_partial_success_is_joined_to_edits_elsewhere(
    evidence: Callable[..., Evidence], budget: Budget
):
    before = evidence(SOURCE, "f")
    base = next(iter(templates().propose(before, budget)))
    half = Verdict(candidate=base, target_passed=1, target_total=2)
    worse = half.model_copy(update={"regressions": ("x",)})
    assert list(PairProposer(templates()).propose(before, budget)) == []
    assert list(PairProposer(templates()).propose(replace(before, tried=(worse,)), budget)) == []
    pairs = list(PairProposer(templates()).propose(replace(before, tried=(half,)), budget))
    assert pairs
    for pair in pairs:
        first, second = sorted(pair.splices, key=lambda splice: splice.start)
        assert first.end < second.start
