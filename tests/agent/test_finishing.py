"""With a slow suite the whole of it runs twice, and what it refuses at the end gives way.

The suites here are quick; what counts as slow is turned down.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine
from mending import mended

from agent import home as places
from agent import record
from agent.repair import affordable
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_second():\n    assert larger(5, 9) == 9\n"
)
FAR = (
    "import pathlib\n\n\n"
    "def test_source():\n"
    "    source = (pathlib.Path(__file__).parents[1] / 'calc.py').read_text()\n"
    "    assert {condition}\n"
)
Fix = Callable[[str], tuple[int, dict[str, Any], list[dict[str, Any]]]]


@pytest.fixture
def fix(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> Fix:
    """Mend the bug; the test far away asks for `condition`. Status, report, whole runs."""
    served = serve(FakeEngine(replies=("nothing",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    # Only tests that no coverage leads to are far, and the suite is slow enough.
    monkeypatch.setattr("agent.baseline.QUICK_SECONDS", 0.0)
    monkeypatch.setattr("agent.baseline.SPECTRUM_TESTS", 1)
    root = tmp_path / "repo"
    (root / "far").mkdir(parents=True)
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(TESTS)

    def run(condition: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        (root / "far" / "test_source.py").write_text(FAR.format(condition=condition))
        report, _ = mended(root, served)
        (directory,) = places.runs_root().iterdir()
        calls = [e["data"] for e in record.read(directory / places.RECORD) if e["kind"] == "tool"]
        runs = [call["arguments"] for call in calls if call["tool"] == "run_tests"]
        return report["exit_status"], report, [run for run in runs if "selection" not in run]

    return run


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affordable, "SLOW_SECONDS", 0.0)


@pytest.mark.usefixtures("slow")
def test_the_whole_suite_runs_before_and_once_behind_the_edits(fix: Fix) -> None:
    status, report, whole = fix("'def larger' in source")
    assert (status, report["after"]["passed"], report["after"]["total"]) == (0, 3, 3)
    assert [run["clean"] for run in whole] == [True, True]
    (item,) = report["items"]
    assert item["status"] == "fixed"
    assert "2 tests near the edit" in item["note"]
    assert "whole suite ran once more" in item["note"]
    assert report["caveats"] == []


def test_a_quick_suite_runs_for_every_survivor(fix: Fix) -> None:
    status, report, whole = fix("'def larger' in source")
    assert status == 0
    assert len(whole) > 2
    assert report["items"][0]["note"] == ""


@pytest.mark.usefixtures("slow")
def test_the_next_survivor_takes_the_place_of_a_refused_one(fix: Fix) -> None:
    status, report, whole = fix("'if a > b' not in source")
    assert (status, report["after"]["passed"]) == (0, 3)
    assert len(whole) == 2
    (item,) = report["items"]
    assert item["status"] == "fixed"
    assert "took the place" in item["note"]
    assert "+    return a if a > b else b" not in report["patch"]
    assert "refused the first choice" in report["caveats"][0]
    summary = places.runs_root() / report["run_id"] / "summary.md"
    assert "refused the first choice" in summary.read_text()


@pytest.mark.usefixtures("slow")
def test_an_edit_that_nothing_can_replace_is_taken_back(fix: Fix) -> None:
    status, report, whole = fix(f"{BUGGY!r} == source")
    assert (status, report["after"]["passed"], report["patch"]) == (1, 1, "")
    assert len(whole) == 2
    (item,) = report["items"]
    assert item["status"] == "not fixed"
    assert "test_source" in item["note"]
