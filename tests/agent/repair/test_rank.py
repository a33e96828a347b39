from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from agent.repair.budget import Budget
from agent.repair.likelihood import Likelihood
from agent.repair.python.language import PythonLanguage
from agent.repair.rank import SPECIAL, BehaviourRanker
from agent.repair.seams import Candidate, Evidence, Splice, Verdict
from runtime.errors import BranchingUnsupported

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


class Likes:
    """A scorer that likes every letter of one kind, and has no such route after that."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.asked: list[tuple[str, tuple[str, ...], tuple[int, ...]]] = []
        self.there = True

    def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        forced: str,
        continuations: Sequence[str],
        offsets: Sequence[int],
    ) -> list[float]:
        self.asked.append((forced, tuple(continuations), tuple(offsets)))
        if not self.there:
            raise BranchingUnsupported("no such route")
        return [float(text.count(self.letter)) for text in continuations]


def reading(scorer: Likes) -> BehaviourRanker:
    languages = (PythonLanguage(),)
    return BehaviourRanker(languages, likelihood=Likelihood(scorer, languages))


def test_the_model_compares_survivors_whatever_made_them(
    evidence: Callable[..., Evidence], budget: Budget
):
    usual, liked = survivor("b = a", "b = -a", weight=9.0), survivor("b = a", "b = zz", weight=0.1)
    below = survivor("return b", "return z", nats=-1.0)
    scorer = Likes("z")
    ranking = reading(scorer).rank([usual, liked, below], evidence(SOURCE, "f"), budget)
    assert ranking.order == (liked, below, usual)
    assert ranking.reasons[0][0] == "the model likes it 2.0 nats more than the code as it was"
    begun = "```python\ndef f(a):\n"
    [(forced, texts, offsets)] = scorer.asked
    assert forced == begun + "    b = a\n"
    at = dict(zip(texts, offsets, strict=True))
    above = [f"    b = {value}\n    return b\n```\n" for value in ("a", "-a", "zz")]
    below = ["    return b\n```\n", "    return z\n```\n"]
    assert at == {**dict.fromkeys(above, len(begun)), **dict.fromkeys(below, len(forced))}


def test_an_edit_is_read_without_what_it_imports(evidence: Callable[..., Evidence], budget: Budget):
    head = "import re\n\n\n"

    def below_head(verdict: Verdict, text: str = "") -> Verdict:
        [own] = verdict.candidate.splices
        moved = own.model_copy(update={"start": own.start + len(head), "end": own.end + len(head)})
        more = (Splice(path="m.py", start=0, end=0, text=text),) if text else ()
        candidate = verdict.candidate.model_copy(update={"splices": (moved, *more)})
        return verdict.model_copy(update={"candidate": candidate})

    known = evidence(head + SOURCE, "f")
    usual = below_head(survivor("b = a", "b = -a", weight=9.0))
    liked = survivor("b = a", "b = zz", weight=0.1)
    importing = below_head(liked, "from zz import zz\n")
    ranking = reading(Likes("z")).rank([usual, importing], known, budget)
    assert ranking.order == (importing, usual)
    assert ranking.reasons[0][0] == "the model likes it 2.0 nats more than the code as it was"
    wider = below_head(liked, "z = 1\n")
    ranking = reading(Likes("z")).rank([usual, wider], known, budget)
    assert ranking.order == (usual, wider), "it changes code that the model is not shown"


def test_an_endpoint_that_cannot_compare_is_asked_once(
    evidence: Callable[..., Evidence], budget: Budget
):
    scorer = Likes("z")
    scorer.there = False
    usual, rare = survivor("b = a", "b = -a", weight=9.0), survivor("b = a", "b = zz", weight=0.1)
    ranker = reading(scorer)
    for _ in range(2):
        assert ranker.rank([rare, usual], evidence(SOURCE, "f"), budget).order == (usual, rare)
    assert len(scorer.asked) == 1


def test_a_single_survivor_is_read_where_that_is_asked_and_the_model_did_not_make_it(
    evidence: Callable[..., Evidence], budget: Budget
):
    scorer = Likes("z")
    own, template = survivor("b = a", "b = zz", nats=-1.0), survivor("b = a", "b = zz", weight=1.0)
    for only, lone in ((own, True), (template, False)):
        ranking = reading(scorer).rank([only], evidence(SOURCE, "f"), budget, lone=lone)
        assert (ranking.order, ranking.liked) == ((only,), None)
        assert not scorer.asked
    ranking = reading(scorer).rank([template], evidence(SOURCE, "f"), budget, lone=True)
    assert (ranking.order, ranking.liked) == ((template,), 2.0)
    assert len(scorer.asked) == 1


def test_what_speaks_against_an_edit_makes_it_less_liked(
    evidence: Callable[..., Evidence], budget: Budget
):
    ranker = reading(Likes("z"))
    special = survivor("b = a", "b = 1234 + zz", weight=1.0)
    ranking = ranker.rank([special], evidence(SOURCE, "f"), budget, lone=True)
    assert ranking.liked == pytest.approx(2.0 + SPECIAL)
    longer = survivor("b = a", "b = zz  # and so on, and on", weight=1.0)
    ranking = ranker.rank([longer], evidence(SOURCE, "f"), budget, lone=True)
    assert ranking.liked == pytest.approx(2.0), "its size does not"


def test_what_was_read_is_not_read_again(evidence: Callable[..., Evidence], budget: Budget):
    scorer = Likes("z")
    ranker = reading(scorer)
    first, later = survivor("b = a", "b = -a", weight=9.0), survivor("b = a", "b = zz", nats=-1.0)
    ranker.rank([first], evidence(SOURCE, "f"), budget, lone=True)
    assert ranker.rank([first, later], evidence(SOURCE, "f"), budget).order == (later, first)
    read = [list(texts) for _, texts, _ in scorer.asked]
    lines = [f"    b = {value}\n    return b\n```\n" for value in ("a", "-a", "zz")]
    assert read == [lines[:2], lines[2:]]
    ranker.rank([later, first], evidence(SOURCE, "f"), budget)
    assert len(scorer.asked) == 2


def test_a_condition_that_decides_nothing_counts_against_an_edit(
    evidence: Callable[..., Evidence],
):
    source = "def f(a):\n    if a > 3:\n        return True\n    return False\n"

    def edit(old: str, new: str) -> Verdict:
        start = source.index(old)
        splice = Splice(path="m.py", start=start, end=start + len(old), text=new)
        candidate = Candidate(strategy="branch", splices=(splice,), log_probability=-2.0)
        return Verdict(candidate=candidate, target_passed=1, target_total=1)

    pointless, honest = edit("False", "True"), edit("a > 3", "a >= 3")
    judged = RANKER.judge([pointless, honest], evidence(source, "f"))
    assert [one.verdict for one in judged] == [honest, pointless]
    assert "a condition has the same answer both ways" in judged[1].reasons


def test_without_the_models_reading_where_that_fails(
    evidence: Callable[..., Evidence], budget: Budget
):
    class Stumbling(Likes):
        def score(self, *_: Any, **__: Any) -> list[float]:
            raise KeyError("offsets")

    heard: list[str] = []
    languages = (PythonLanguage(),)
    ranker = BehaviourRanker(
        languages,
        likelihood=Likelihood(Stumbling("+"), languages),
        hear=lambda part, _: heard.append(part),
    )
    unlikely, likely = survivor("b = a", "b = +a", -8.0), survivor("b = a", "b = -a", -2.0)
    assert ranker.rank([unlikely, likely], evidence(SOURCE, "f"), budget).order[0] == likely
    assert heard == ["The model's reading of the survivors"]
