from __future__ import annotations

from agent.repair.budget import Budget
from agent.stopwatch import Stopwatch


def test_time_stands_still_between_stop_and_go() -> None:
    now = [10.0]
    watch = Stopwatch(lambda: now[0])
    now[0] = 12.0
    assert watch() == 12.0
    watch.stop()
    now[0] = 20.0
    assert watch() == 12.0
    watch.stop()
    watch.go()
    now[0] = 25.0
    assert watch() == 12.0, "it was stopped twice"
    watch.go()
    watch.go()
    assert watch() == 12.0
    now[0] = 26.0
    assert watch() == 13.0


def test_a_budget_on_it_is_not_spent_while_somebody_thinks() -> None:
    now = [0.0]
    watch = Stopwatch(lambda: now[0])
    budget = Budget(deadline=30.0, clock=watch)
    watch.stop()
    now[0] = 1_000.0
    watch.go()
    now[0] = 1_010.0
    assert budget.seconds_left == 20.0


def test_more_time_counts_for_the_share_that_is_being_spent_too() -> None:
    now = [0.0]
    budget = Budget(deadline=100.0, clock=lambda: now[0])
    with budget.until(40.0):
        now[0] = 30.0
        assert budget.seconds_left == 10.0
        budget.extend(20.0)
        assert budget.seconds_left == 30.0
        with budget.until(1_000.0):
            assert budget.seconds_left == 30.0, "an inner share is never larger than the outer"
    assert budget.seconds_left == 90.0
    budget.resume(90.0)
    assert budget.spent
