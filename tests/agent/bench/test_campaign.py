"""Results outlive an interruption, and only equal ones are put together."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.bench.campaign import RESULTS, Campaign, choose
from agent.bench.case import Built
from agent.bench.results import Grade, Result, Settings
from agent.bench.trees import TreeTests
from agent.errors import Unusable

SETTINGS = Settings(
    tasks="a", model="m", endpoint="", budget_seconds=60, seed=0, strategies=("branch",)
)


@dataclass(frozen=True)
class Named:
    id: str
    kinds: tuple[str, ...] = ()

    def build(self, root: Path, tests: TreeTests) -> Built:
        raise AssertionError("is never built here")


CASES = [Named(str(number)) for number in range(5)]


def right(case: Named) -> Result:
    return Result(id=case.id, grade=Grade.RIGHT)


def test_finished_tasks_are_not_run_again(tmp_path: Path) -> None:
    first = Campaign(tmp_path, SETTINGS, resume=False)
    results = first.run(CASES, right)
    assert [next(results).id, next(results).id] == ["0", "1"]
    with (tmp_path / RESULTS).open("a") as file:
        file.write('{"id": "2", "gra')
    again = Campaign(tmp_path, SETTINGS, resume=True)
    assert [case.id for case in again.left(CASES)] == ["2", "3", "4"]
    assert len(list(again.run(again.left(CASES), right))) == 3
    assert [result.id for result in Campaign(tmp_path, SETTINGS, resume=True).results] == [
        case.id for case in CASES
    ]
    assert Campaign(tmp_path, SETTINGS, resume=False).left(CASES) == CASES


def test_results_measured_otherwise_are_not_resumed(tmp_path: Path) -> None:
    list(Campaign(tmp_path, SETTINGS, resume=False).run(CASES, right))
    other = SETTINGS.model_copy(update={"budget_seconds": 5.0})
    with pytest.raises(Unusable, match="another budget_seconds"):
        Campaign(tmp_path, other, resume=True)
    (tmp_path / RESULTS).write_text("{}\n")
    with pytest.raises(Unusable, match="no results of this version"):
        Campaign(tmp_path, SETTINGS, resume=True)


def test_tasks_are_chosen_by_name_step_and_number() -> None:
    assert [case.id for case in choose(CASES, every=2)] == ["0", "2", "4"]
    assert [case.id for case in choose(CASES, every=2, limit=2)] == ["0", "2"]
    assert [case.id for case in choose(CASES, ["3", "1", "3"])] == ["3", "1"]
    with pytest.raises(Unusable, match="no task '9'"):
        choose(CASES, ["9"])
    with pytest.raises(Unusable, match="same name"):
        choose([*CASES, Named("1")])
