"""What the model finds unlikely is not taken at once: the search is asked for more before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fake_engine import FakeEngine
from mending import mended

from agent import holding
from agent.deps import Deps
from agent.holding import Held
from agent.repair.seams import Candidate, Ranking, Splice, Verdict
from agent.state import RunState
from runtime.cancellation import Cancellation
from runtime.client import Endpoint
from runtime.engine_api import Branched, BranchPath, BranchQuery

LINE = "    return a if a < b else b"
LIKELIER = "    return max(a, b)"


class Opinionated(FakeEngine):
    """Would rather have written `max`."""

    def branch(self, query: BranchQuery, cancellation: Cancellation) -> Branched:
        at = query.forced.index(LINE)
        path = BranchPath(at, at + len(LINE), LIKELIER, -1.0, 2.0, finished=True)
        return Branched((path,), 10, 4, 2)


@pytest.fixture
def fix(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[dict[str, Any], str]]:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(f"def larger(a, b):\n{LINE}\n")
    (root / "test_calc.py").write_text(
        "from calc import larger\n\n\ndef test_larger():\n    assert larger(3, 2) == 3\n"
    )

    def run(likes: float) -> tuple[dict[str, Any], str]:
        served = serve(
            Opinionated(nats=lambda text: 0.0 if LINE in text or "max" in text else likes)
        )
        monkeypatch.setenv("LOCUM_TOKEN", served.token)
        return mended(root, served)

    return run


@pytest.mark.usefixtures("few_edits")
@pytest.mark.parametrize(("likes", "held"), [(-1.0, False), (-9.0, True)])
def test_an_unlikely_edit_waits_for_what_the_model_would_have_written(
    fix: Callable[..., tuple[dict[str, Any], str]], likes: float, held: bool
):
    report, output = fix(likes)
    (item,) = report["items"]
    assert item["status"] == "fixed"
    assert (LIKELIER in item["patch"]) is held
    assert ("does not find the edit likely" in output) is held


@pytest.mark.usefixtures("few_edits")
def test_an_unlikely_edit_is_taken_where_nothing_else_is_found(
    fix: Callable[..., tuple[dict[str, Any], str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Opinionated, "branch", lambda *_: Branched((), 10, 4, 2))
    report, output = fix(-9.0)
    (item,) = report["items"]
    assert item["status"] == "fixed"
    assert "does not find the edit likely" in output


def made(liked: float | None, nats: float | None = None, places: int = 1) -> Ranking:
    edits = tuple(Splice(path="a.py", start=n, end=n + 1, text="2") for n in range(places))
    candidate = Candidate(strategy="any", splices=edits, log_probability=nats)
    verdict = Verdict(candidate=candidate, target_passed=1, target_total=1)
    return Ranking(order=(verdict,), liked=liked)


def waits(ranking: Ranking, number: int, spent: float = 110.0) -> bool:
    deps = SimpleNamespace(
        budget=SimpleNamespace(seconds_spent=spent), task=SimpleNamespace(budget_seconds=300.0)
    )
    state: RunState = {"since": 100.0, "until": 200.0, "round": number}
    return holding.is_to_wait(cast(Deps, deps), state, ranking)


@pytest.mark.parametrize(
    ("ranking", "number", "held"),
    [
        (made(-1.9), 0, False),
        (made(-2.1), 0, True),
        (made(-2.1), 1, False),
        (made(-4.1), 1, True),
        (made(-40.0), 2, False),
        (made(-3.9, places=2), 0, False),
        (made(-4.1, places=2), 0, True),
        (made(None), 0, True),
        (made(None), 1, False),
        (made(None, nats=-1.0), 0, False),
    ],
)
def test_how_likely_it_has_to_be_depends_on_what_was_tried_before(
    ranking: Ranking, number: int, held: bool
):
    assert waits(ranking, number) is held


@pytest.mark.parametrize(("spent", "held"), [(149.0, True), (151.0, False)])
def test_nothing_is_held_behind_half_of_the_time(spent: float, held: bool):
    assert waits(made(-9.0), 0, spent) is held


def test_what_is_held_is_kept_in_a_checkpoint_as_plain_values():
    held = Held(ranking=made(-3.0), numbers=(4,))
    assert holding.held({"held": json.loads(held.model_dump_json())}) == held
    assert holding.held({}) is None
