"""The numbers of a benchmark, from results made up for it."""

from agent.bench.results import Grade, Miss, Result, Settings, Yield
from agent.bench.table import line, render
from agent.bench.totals import total

SETTINGS = Settings(tasks="t", model="m", endpoint="", budget_seconds=60, seed=0, strategies=())


def result(name: str, grade: Grade, seconds: float | None = None, **more: object) -> Result:
    values = {"hidden": (1, 1), "visible": (1, 1), "kinds": ("loop",), **more}
    return Result(id=name, grade=grade, seconds=70, seconds_to_fix=seconds, **values)


TWO = {"template": Yield(ran=8, survivors=2, test_seconds=1.5), "branch": Yield(ran=4, rejected=3)}
RESULTS = [
    result(
        *("a", Grade.RIGHT, 4.0),
        strategies=TWO,
        winners=("template",),
        operators=("flip|it",),
        survivors_judged=2,
        first_right=False,
        any_right=True,
    ),
    result(
        *("b", Grade.OVERFITS, 8.0),
        winners=("branch",),
        operators=("x",),
        survivors_judged=3,
        first_right=True,
        any_right=True,
    ),
    result(
        *("c", Grade.NOT_FIXED, 3.0),
        hidden=(0, 0),
        miss=Miss.NOT_TRIED,
        has_reference=True,
        rank=2,
    ),
    result("d", Grade.FAILED, problem="The model broke.", miss=Miss.COULD_NOT_RUN),
    result("e", Grade.UNSOUND, problem="No task."),
    result("f", Grade.OVERFITS, 6.0, winners=("branch",), operators=("x",), first_right=False),
]


def test_shares_are_of_the_sound_tasks() -> None:
    totals = total(RESULTS)
    assert (totals.tasks, totals.right, totals.plausible, totals.overfits) == (5, 1, 3, 2)
    assert (totals.failed, totals.unsound, totals.without_hidden) == (1, 1, 1)
    assert totals.kinds == {"loop": (1, 5)}


def test_times_are_of_the_plausible_tasks() -> None:
    totals = total(RESULTS)
    assert (totals.median_seconds, totals.p90_seconds) == (6.0, 8.0)
    assert total([]).median_seconds is None
    assert totals.candidates_per_second == 8.0


def test_misses_and_seconds_are_added_up() -> None:
    totals = total(RESULTS)
    assert totals.misses == {"could not run": 1, "suspected, not tried": 1}
    assert (totals.with_reference, totals.localised, totals.localised_first) == (1, 1, 0)
    assert (totals.run_seconds, totals.verify_seconds) == (350.0, 1.5)
    spent = [result(str(n), Grade.RIGHT, plan_seconds=n, test_seconds=2) for n in (1, 2)]
    assert (total(spent).plan_seconds, total(spent).test_seconds) == (3.0, 4.0)
    text = render(SETTINGS, RESULTS)
    assert "among the suspects in 1 and the first in 0" in text
    assert "What was missed" not in render(SETTINGS, spent)


def test_policies_differ_where_survivors_do() -> None:
    ranked, first, best = total(RESULTS).policies
    assert (ranked.right, ranked.overfits) == (1, 2)
    assert (first.right, first.overfits) == (1, 2)
    assert (best.right, best.overfits) == (2, 1)
    assert total(RESULTS).several_survivors == 2
    row = "| first survivor | 1 of 5 (20.0 %) | 3 of 5 (60.0 %) | 2 of 5 (40.0 %) |"
    assert row in render(SETTINGS, RESULTS)


def test_strategies_are_credited_for_what_was_accepted() -> None:
    template, branch = total(RESULTS).strategies
    assert (template.ran, template.survivors, template.tasks_with_survivor) == (8, 2, 1)
    assert (template.tasks_won, template.tasks_right) == (1, 1)
    assert (branch.ran, branch.tasks_won, branch.tasks_right) == (4, 2, 0)


def test_the_table_names_every_task_and_breaks_no_cell() -> None:
    text = render(SETTINGS, RESULTS)
    assert text.startswith("# 1 of 5 right\n")
    assert "| a | right | 1/1 | 1/1 | 4.0 s | – | 12 | template: flip\\|it |  |" in text
    assert "| c | not fixed | 1/1 | 0/0 | 3.0 s | 2 | 0 (0 there) |  | suspected, not tried" in text
    assert "another survivor is right" in text
    assert all(f"\n| {one.id} |" in text for one in RESULTS)
    assert render(SETTINGS, []).startswith("# 0 of 0 right\n")


def test_a_result_is_one_line() -> None:
    assert line(RESULTS[0]) == "a  right  template  4.0 s  12 candidates  2 survivors"
    assert line(RESULTS[2]).startswith("c  suspected, not tried  3.0 s")
    assert line(RESULTS[3]) == "d  failed: The model broke."
