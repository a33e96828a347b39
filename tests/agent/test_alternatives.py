"""Why a survivor was not chosen, in words."""

from __future__ import annotations

from agent import alternatives
from agent.repair.seams import Candidate, Ranking, Splice, Verdict


def ranking(scores: tuple[float, ...], behaves: tuple[int, ...]) -> Ranking:
    splice = Splice(path="m.py", start=0, end=0, text="")
    verdict = Verdict(
        candidate=Candidate(strategy="branch", splices=(splice,)), target_passed=1, target_total=1
    )
    return Ranking(
        order=(verdict,) * len(scores),
        behaviours=len({one for one in behaves if one}),
        agreeing=tuple(behaves.count(one) if one else 0 for one in behaves),
        reasons=tuple(("changes 1 line",) for _ in scores),
        scores=scores,
        behaves=behaves,
    )


def test_a_lower_weight_is_said_in_nats() -> None:
    assert alternatives.why(ranking((-1.0, -4.1), (0, 0)), 0, 1) == (
        "weighs 3.1 nats less than the chosen edit; changes 1 line"
    )


def test_a_heavier_edit_of_a_rarer_behaviour_says_so() -> None:
    said = alternatives.why(ranking((-4.0, -3.5, -4.0), (1, 2, 1)), 0, 1)
    assert said.startswith("weighs 0.5 nats more by itself, but ranks lower")
    assert "behaves differently on inputs near the tests' own, as 1 survivor does" in said
    assert "2 behave like the chosen one" in said


def test_an_edit_of_the_same_behaviour_says_so() -> None:
    said = alternatives.why(ranking((-1.0, -2.0), (1, 1)), 0, 1)
    assert "behaves like the chosen one" in said
    assert "differently" not in said
