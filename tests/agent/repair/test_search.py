from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent.repair.budget import Budget, BudgetSpent
from agent.repair.combine import PairProposer, partial
from agent.repair.pace import Pace
from agent.repair.python.language import PythonLanguage
from agent.repair.python.templates import PythonTemplates
from agent.repair.schedule import History, Step, ordered, probabilities
from agent.repair.seams import Candidate, Evidence, Splice, Suspect, Verdict
from agent.repair.search import Search
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


def step(name: str, count: int, **worth: Any) -> Step:
    return Step(name, Counted(name.split()[0], count), **worth)


def suspects(*scores: float) -> tuple[Suspect, ...]:
    return tuple(
        Suspect(path="m.py", name=f"f{n}", first_line=1, last_line=2, score=score)
        for n, score in enumerate(scores)
    )


@pytest.fixture
def before(evidence: Callable[..., Evidence]) -> Evidence:
    return evidence(SOURCE, "f")


def test_every_round_is_one_step_the_worthiest_first(before: Evidence, budget: Budget):
    cheap = Counted("template", 70)
    search = Search(
        [
            Step("template 400", cheap, 60, 400, chance=0.1),
            Step("template 60", cheap, 0, 60, chance=0.3),
            step("pair first", 2, chance=0.0, follows=True),
            step("branch 32", 3, suspect=0, chance=0.5),
        ]
    )
    rounds = list(search.batches(before, budget))
    told = [(b.step.name, b.step.count) for b in rounds if b.step]
    opening = [("branch 32", 3), ("template 60", 60)]
    assert told == [*opening, ("pair first", 2), ("template 400", 10)]
    assert [len(b.candidates) for b in rounds] == [3, 60, 2, 10]
    assert [c.operator for c in rounds[3].candidates] == [str(n) for n in range(60, 70)]


def test_gain_counts_the_suspects_probability_the_chance_and_the_time(before: Evidence):
    known = replace(before, suspects=suspects(0.6, 0.2))
    sure, dear, other, absent = (
        step("a", 1, suspect=0, chance=0.3, seconds=10),
        step("b", 1, suspect=0, chance=0.4, seconds=100),
        step("c", 1, suspect=1, chance=0.9, seconds=10),
        step("d", 1, suspect=2, chance=0.9, seconds=1),
    )
    assert ordered([absent, dear, other, sure], known, History()) == [sure, other, dear]


def test_a_long_suspect_is_asked_later_than_a_short_one(before: Evidence):
    one, other = suspects(0.5, 0.45)
    steps = [step(name, 1, suspect=n, chance=0.3, seconds=10) for n, name in enumerate("ab")]
    told = ordered(steps, replace(before, suspects=(one, other)), History())
    assert [s.name for s in told] == ["a", "b"], "positive control"
    long = one.model_copy(update={"last_line": 200})
    told = ordered(steps, replace(before, suspects=(long, other)), History())
    assert [s.name for s in told] == ["b", "a"]


def test_slow_tests_let_many_candidates_wait(before: Evidence):
    steps = [step("many", 1, chance=0.3, candidates=300), step("few", 1, chance=0.2, seconds=20)]
    slow = before.failing[0].model_copy(update={"seconds": 3.0})
    assert ordered(steps, before, History())[0].name == "many", "positive control"
    assert ordered(steps, replace(before, failing=(slow,)), History())[0].name == "few"


def test_probabilities_add_up_and_follow_the_scores():
    likely = probabilities(suspects(0.9, 0.3, 0.0))
    assert sum(likely) == pytest.approx(1)
    assert likely == sorted(likely, reverse=True)
    assert likely[2] > 0
    assert probabilities(suspects(0.0, 0.0)) == [0.05, 0.05]


def proposed(item: int, *steps: tuple[str, int | None, int]) -> dict[str, Any]:
    told = [
        {"name": name, "suspect": suspect, "count": count, "seconds": 4.0}
        for name, suspect, count in steps
    ]
    made = [{"n": f"{name} {n}"} for name, _, count in steps for n in range(count)]
    return {"kind": "proposed", "data": {"item": item, "steps": told, "candidates": made}}


def test_history_credits_the_step_that_mended_and_counts_against_its_rivals():
    mended = {"number": 1, "chosen": {"candidate": {"n": "b 1"}}}
    history = History().learned(
        [
            proposed(1, ("a", 0, 3), ("t", None, 2)),
            proposed(1, ("x", 1, 2), ("b", 0, 2)),
            {"kind": "tool", "data": {}},
            {"kind": "accepted", "data": {"item": mended}},
            proposed(2, ("a", 0, 1)),
        ]
    )
    told = {name: (tally.judged, tally.mended) for name, tally in history.steps.items()}
    assert told == {"a": (1, 0), "t": (1, 0), "b": (1, 1), "x": (0, 0)}
    assert (history.steps["a"].asked, history.steps["a"].seconds) == (2, 8.0)


def test_a_step_of_a_second_turn_says_nothing_of_its_time():
    again = proposed(1, ("a", 0, 1))
    again["data"]["steps"][0]["seconds"] = 0.1
    history = History().learned([proposed(1, ("a", 0, 1), ("a", 1, 1)), again])
    assert (history.steps["a"].asked, history.steps["a"].seconds) == (2, 8.0)


def test_what_was_learnt_changes_the_order(before: Evidence):
    steps = [
        step("a", 1, suspect=0, chance=0.3, seconds=10),
        step("b", 1, suspect=0, chance=0.2, seconds=10),
    ]
    assert ordered(steps, before, History())[0].name == "a", "positive control"
    history = History()
    for _ in range(10):
        history = history.learned(
            [
                proposed(1, ("a", 0, 1), ("b", 0, 1)),
                {
                    "kind": "accepted",
                    "data": {"item": {"number": 1, "chosen": {"candidate": {"n": "b 0"}}}},
                },
            ]
        )
    assert ordered(steps, before, history)[0].name == "b"


def test_a_round_is_the_same_when_it_is_asked_for_again(before: Evidence, budget: Budget):
    search = Search([Step("a", templates(), 0, 9, chance=0.9), Step("b", templates(), 9, 40)])
    once, again = (search.batch(0, before, budget) for _ in range(2))
    assert once is not None
    assert again is not None
    assert once.candidates == again.candidates


def test_a_step_that_fails_leaves_what_it_had_and_the_others(before: Evidence, budget: Budget):
    class Stumbling(Counted):
        def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
            yield from super().propose(evidence, budget)
            raise KeyError("f")

    heard: list[str] = []
    steps = [Step("b", Stumbling("b", 2), chance=0.9), step("a", 1), step("c", 1)]
    search = Search(steps, hear=lambda part, mistake: heard.append(f"{part}: {mistake!r}"))
    told = [b.step for b in search.batches(before, budget) if b.step]
    assert [(s.name, s.count) for s in told] == [("b", 2), ("a", 1), ("c", 1)]
    assert heard == ["The step b: KeyError('f')"]
    with pytest.raises(KeyError):
        Search(steps).batch(0, before, budget)


def test_empty_rounds_are_passed_over_and_the_end_is_none(before: Evidence, budget: Budget):
    search = Search([step("a", 0), step("a", 0), step("b", 1)])
    batch = search.batch(0, before, budget)
    assert batch is not None
    assert batch.step is not None
    assert (batch.step.name, batch.round) == ("b", 2)
    assert search.batch(3, before, budget) is None
    assert search.next_steps(2, before) == ("b",)
    assert search.next_steps(3, before) == ()


def test_a_search_may_be_left_some_strategies_only(before: Evidence, budget: Budget):
    cheap = Counted("template", 500)
    search = Search(
        [
            Step("template 60", cheap, 0, 60, chance=0.3),
            Step("template 400", cheap, 60, 400, chance=0.2),
            step("branch 32", 3, suspect=0, chance=0.1, seconds=50),
            step("rewrite", 9, chance=0.1, seconds=90),
        ]
    )

    def taken(*wanted: str) -> list[tuple[str, int]]:
        batches = search.only(wanted).batches(before, budget)
        return [(batch.step.name, batch.step.count) for batch in batches if batch.step]

    assert taken("branch") == [("branch 32", 3)]
    assert taken("template:70") == [("template 60", 60), ("template 400", 10)]
    assert taken("rewrite:1", "branch:2") == [("branch 32", 2), ("rewrite", 1)]
    for wrong in ("magic", "branch:x", ""):
        with pytest.raises(ValueError, match="there are template, branch, rewrite"):
            taken(wrong)


def test_a_spent_budget_gives_no_batch(before: Evidence):
    spent = Budget(deadline=0.0, clock=lambda: 0.0)
    assert Search([step("a", 5)]).batch(0, before, spent) is None


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


def test_a_hanging_test_does_not_make_candidates_dear(before: Evidence):
    cheap, dear = (
        step("few", 1, chance=0.1, candidates=1, seconds=1.0),
        step("many", 1, chance=0.3, candidates=5, seconds=0.0),
    )
    [failing] = before.failing
    for message, first in (("TestTimeout: still running", "many"), ("AssertionError", "few")):
        slow = failing.model_copy(update={"seconds": 5.0, "message": message})
        steps = ordered([dear, cheap], replace(before, failing=(slow,)), History())
        assert steps[0].name == first


def test_partial_successes_are_joined_right_behind_the_first_round(
    before: Evidence, budget: Budget
):
    search = Search(
        [
            step("pair", 3, follows=True),
            step("one", 1, chance=0.3, seconds=1.0),
            step("two", 1, chance=0.2, seconds=1.0),
            step("three", 1, chance=0.1, seconds=1.0),
        ]
    )
    assert search.next_steps(0, before) == ("one", "two", "pair", "three")


def test_two_partial_successes_are_joined_before_other_edits(before: Evidence, budget: Budget):
    def partial(position: int) -> Verdict:
        splice = Splice(path="m.py", start=position, end=position + 1, text="#")
        edit = Candidate(strategy="template", operator=f"at {position}", splices=(splice,))
        return Verdict(candidate=edit, target_passed=1, target_total=2)

    tried = (partial(30), partial(0))
    pairs = PairProposer(templates()).propose(replace(before, tried=tried), budget)
    assert next(pairs).operator == "at 30 and at 0"


def test_half_of_a_pair_is_kept_rather_than_a_pair_that_mends_some():
    """The pair's other half would be a guess at what is left, and hide it."""

    def verdict(strategy: str, passed: int, **fields: Any) -> Verdict:
        edit = Candidate(strategy=strategy, splices=())
        return Verdict(candidate=edit, target_passed=passed, target_total=3, **fields)

    one, two = verdict("template", 1), verdict("branch", 2)
    others = (
        verdict("pair", 2),
        verdict("template", 0),
        verdict("template", 3),
        verdict("template", 2, regressions=("t",)),
    )
    assert partial([one, *others, two]) == [two, one]


class Dear(Counted):
    """Takes its time, as a model does."""

    def __init__(self, name: str, count: int, seconds: float, now: list[float]) -> None:
        super().__init__(name, count)
        self.seconds, self.now = seconds, now

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        self.now[0] += self.seconds
        yield from super().propose(evidence, budget)


@pytest.mark.parametrize(
    ("left", "names", "passed_over"),
    [
        (100.0, ["one", "two", "cheap"], [None, None, None]),
        # The first question took thrice its estimate, so the second one is let wait.
        (45.0, ["one", "cheap", "two"], [None, 2, 2]),
    ],
)
def test_a_question_that_would_come_too_late_is_let_wait(
    before: Evidence, left: float, names: list[str], passed_over: list[int | None]
):
    now = [0.0]
    budget = Budget(deadline=left, clock=lambda: now[0])
    search = Search(
        [
            Step("one", Dear("one", 1, 30.0, now), chance=0.9, seconds=10.0),
            Step("none", Counted("none", 0), chance=0.8, seconds=5.0),
            Step("two", Dear("two", 1, 12.0, now), chance=0.5, seconds=10.0),
            Step("cheap", Counted("cheap", 3), chance=0.001),
        ]
    )
    found = list(search.batches(before, budget))
    assert [b.step.name for b in found if b.step] == names
    assert [b.passed_over for b in found] == passed_over


@pytest.mark.parametrize(
    ("seen", "pace"),
    [
        ([], 1.0),
        ([("a", 10.0, 30.0)], 3.0),
        ([("b", 10.0, 20.0), ("c", 10.0, 60.0)], 2.5),  # half of what all the others are off
        ([("a", 10.0, 20.0), ("b", 10.0, 90.0)], 2.0),
        ([("a", 10.0, 20.0), ("a", 10.0, 0.1)], 2.0),  # remembered
        ([("a", 0.0, 5.0)], 1.0),
    ],
)
def test_the_pace_is_that_of_the_answers_so_far(seen: list[tuple[str, float, float]], pace: float):
    known = Pace()
    for name, estimated, seconds in seen:
        known.saw(name, estimated, seconds)
    assert known.of("a") == pace


def test_what_was_proposed_before_the_time_was_over_is_kept(before: Evidence, budget: Budget):
    class Late(Counted):
        def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
            yield from super().propose(evidence, budget)
            raise BudgetSpent

    batch = Search([Step("late", Late("late", 3))]).batch(0, before, budget)
    assert batch is not None
    assert len(batch.candidates) == 3
