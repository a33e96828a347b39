"""The view of a run folded from its events, without any screen."""

from __future__ import annotations

import story

from agent import events as ev
from tui.view import GROUPS_KEPT, RunView


def folded(events: list[ev.Event]) -> RunView:
    view = RunView()
    for at, event in story.stamped(events):
        view.apply(event, at)
    return view


def test_phases_count_visits_time_and_tokens() -> None:
    view = folded([*story.planned(), *story.searched()])
    assert view.phase == "verify"
    assert [view.state_of(name) for name in ("plan", "edit", "verify", "approve")] == [
        "done", "done", "active", "waiting",
    ]  # fmt: skip
    assert view.attempt == 1
    assert view.phases["plan"].tokens == 92
    assert view.seconds_in("edit") == 3.0
    before = view.seconds_in("verify")
    view.tick(view.now + 5)
    assert view.seconds_in("verify") == before + 5, "the phase that lasts goes on"
    assert view.seconds_in("edit") == 3.0


def test_the_board_has_survivors_first_by_rank() -> None:
    view = folded([*story.planned(), *story.searched()])
    board = view.board()
    assert [one.event.number for one in board[:3]] == [4, 16, 11]
    assert [one.rank for one in board[:3]] == [1, 2, 3]
    assert not any(one.event.survived for one in board[3:])
    assert len(board) == 16


def test_survivors_of_no_ranking_stand_above_those_that_failed() -> None:
    view = folded([story.tried(1, 0, "branch"), story.tried(2, 1, "branch")])
    assert [one.event.number for one in view.board()] == [2, 1]


def test_calls_that_went_well_are_one_group_and_others_stand_alone() -> None:
    view = folded(story.planned())
    assert [(g.tools.total(), g.well) for g in view.log] == [(5, True), (1, False), (0, False)]
    assert view.warnings == ["tests/test_cli.py::test_clock failed once: flaky"]


def test_the_log_stays_small_however_many_calls_come() -> None:
    view = folded([story.call("write_file") for _ in range(5_000)])
    assert len(view.log) == 1
    assert view.log[0].tools["write_file"] == view.call_count == 5_000
    assert len(view.log[0].calls) < 100
    for number in range(3 * GROUPS_KEPT):
        view.apply(story.call("write_file", ok=number % 2 == 0), view.now)
    assert len(view.log) == GROUPS_KEPT


def test_model_figures() -> None:
    view = folded([*story.planned(), *story.searched()])
    assert view.request is not None
    assert (view.request.context, view.tokens) == (8192, 504)
    assert view.cache_hit is not None
    assert round(view.cache_hit, 3) == round(3230 / 4040, 3)
    assert round(view.rate) == 33
    assert "interest is a *share*" in view.speech.take()
    assert view.speech.take() == ""


def test_time_left_counts_down_from_what_was_told_last() -> None:
    view = folded(story.planned()[:2])
    assert view.seconds_left == 299.0
    view.apply(ev.BudgetChanged(seconds_left=1_000.0), view.now + 50)
    assert view.seconds_left == 1_000.0
    view.tick(view.now + 10)
    assert view.seconds_left == 990.0


def test_a_resumed_run_counts_what_was_spent_before() -> None:
    started = story.planned()[0].model_copy(update={"seconds_spent": 100.0, "resumed": True})
    view = folded([started])
    assert (view.elapsed, view.seconds_left) == (100.0, 200.0)


def test_candidates_a_second_over_the_last_seconds() -> None:
    view = RunView()
    for number in range(50):
        view.apply(story.tried(number, 0, "branch"), 100.0 + number / 10)
    assert view.candidates_a_second == 10.0
    view.tick(200.0)
    assert view.candidates_a_second == 0.0


def test_risk_never_sinks() -> None:
    view = folded([ev.RiskRaised(high=True), ev.RiskRaised(high=False)])
    assert view.risk == "high"


def test_tests_before_and_now() -> None:
    view = folded(story.whole())
    assert view.before is not None
    assert view.latest is not None
    assert (view.before.passed, view.latest.passed) == (6, 9)
    assert view.done is not None
    assert view.state_of("summary") == "done"
