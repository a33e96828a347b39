from __future__ import annotations

from collections.abc import Callable

from agent.repair.python.language import PythonLanguage
from agent.repair.rank import BehaviourRanker
from agent.repair.seams import Budget, Candidate, Evidence, Splice, Verdict

SOURCE = "def f(a):\n    b = a\n    return b\n"
RANKER = BehaviourRanker((PythonLanguage(),))


def survivor(old: str, new: str, nats: float | None = None, weight: float | None = None) -> Verdict:
    start = SOURCE.index(old)
    splice = Splice(path="m.py", start=start, end=start + len(old), text=new)
    candidate = Candidate(
        strategy="branch", operator="op", splices=(splice,), log_probability=nats, weight=weight
    )
    return Verdict(candidate=candidate, target_passed=1, target_total=1, whole_suite=True)


def test_the_likelier_edit_comes_first(evidence: Callable[..., Evidence], budget: Budget):
    unlikely, likely = survivor("b = a", "b = +a", -8.0), survivor("b = a", "b = -a", -2.0)
    assert RANKER.rank([unlikely, likely], evidence(SOURCE, "f"), budget).order == (
        likely,
        unlikely,
    )


def test_a_usual_template_edit_comes_before_a_rare_one(
    evidence: Callable[..., Evidence], budget: Budget
):
    rare = survivor("b = a", "b = +a", weight=0.1)
    usual = survivor("b = a", "b = -a", weight=3.0)
    assert RANKER.rank([rare, usual], evidence(SOURCE, "f"), budget).order[0] == usual


def test_a_literal_copied_from_the_test_goes_to_the_end(evidence: Callable[..., Evidence]):
    special = survivor("b = a", "b = 1234", -0.5)
    honest = survivor("b = a", "b = a * a", -12.0)
    judged = RANKER.judge([special, honest], evidence(SOURCE, "f"))
    assert [j.verdict for j in judged] == [honest, special]
    assert "holds 1234 of the failing test, new to the code" in judged[1].reasons


def test_the_smaller_edit_wins_between_equals(evidence: Callable[..., Evidence], budget: Budget):
    small = survivor("b = a", "b = -a", -5.0)
    large = survivor("    b = a\n    return b\n", "    c = -a\n    d = c\n    return d\n", -5.0)
    assert RANKER.rank([large, small], evidence(SOURCE, "f"), budget).order[0] == small


def test_deleting_code_counts_against_an_edit(evidence: Callable[..., Evidence]):
    gone = survivor("b = a\n    ", "", -5.0)
    judged = RANKER.judge([gone], evidence(SOURCE, "f"))
    assert "only deletes code" in judged[0].reasons


def test_a_ranking_tells_why_each_survivor_stands_where_it_does(
    evidence: Callable[..., Evidence], budget: Budget
):
    unlikely, likely = survivor("b = a", "b = +a", -8.0), survivor("b = a", "b = -a", -2.0)
    ranking = RANKER.rank([unlikely, likely], evidence(SOURCE, "f"), budget)
    assert [len(each) for each in (ranking.reasons, ranking.scores, ranking.behaves)] == [2, 2, 2]
    assert ranking.scores[0] > ranking.scores[1]
    assert ranking.reasons[0] == (
        "the model finds it likely (-2.0 nats)",
        "changes 1 line",
    )
    assert ranking.behaves == (0, 0), "nothing was run"
