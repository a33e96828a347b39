"""The numbers of a benchmark, from results made up for it."""

from agent.bench.results import Grade, Result, Settings, Yield
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
    result("c", Grade.NOT_FIXED, 3.0, hidden=(0, 0)),
    result("d", Grade.FAILED, problem="The model broke."),
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


def test_policies_differ_where_survivors_do() -> None:
    ranked, first, best = total(RESULTS).policies
    assert (ranked.right, ranked.overfits) == (1, 2)
    assert (first.right, first.overfits) == (1, 2)
    assert (best.right, best.overfits) == (2, 1)
    assert total(RESULTS).several_survivors == 2


def test_strategies_are_credited_for_what_was_accepted() -> None:
    template, branch = total(RESULTS).strategies
    assert (template.ran, template.survivors, template.tasks_with_survivor) == (8, 2, 1)
    assert (template.tasks_won, template.tasks_right) == (1, 1)
    assert (branch.ran, branch.tasks_won, branch.tasks_right) == (4, 2, 0)


def test_the_table_names_every_task_and_breaks_no_cell() -> None:
    text = render(SETTINGS, RESULTS)
    assert text.startswith("# 1 of 5 right\n")
    assert "| a | right | 1/1 | 1/1 | 4.0 s | template: flip\\|it |  |" in text
    assert "another survivor is right" in text
    assert all(f"\n| {one.id} |" in text for one in RESULTS)
    assert render(SETTINGS, []).startswith("# 0 of 0 right\n")


def test_a_result_is_one_line() -> None:
    assert line(RESULTS[0]) == "a  right  template  4.0 s  12 candidates  2 survivors"
    assert line(RESULTS[3]) == "d  failed: The model broke."
