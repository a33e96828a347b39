"""`agent plan` and `agent explain`: what they say, and that nothing is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine

from agent.cli import main
from runtime.client import Endpoint

BUGGY = "def larger(a, b):\n    worst = a if a < b else b\n    return worst\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_equal():\n    assert larger(4, 4) == 4\n"
)
WORDS = "The comparison picks the smaller one. \x1b[31m@someone"
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(TESTS)
    return root


def agent(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_plan_needs_no_model_and_edits_nothing(home: Path, repo: Path, tmp_path: Path) -> None:
    before = content(repo)
    result = agent("plan", repo, "--endpoint", NOWHERE, "--json", tmp_path / "r.json")
    assert result.exit_code == 1, result.output
    assert content(repo) == before
    assert result.stdout.startswith("# 1 of 2 tests pass; 1 item in the plan\n")
    assert "## 1. Bug in `calc.py:1`" in result.stdout
    assert "`test_calc.py::test_first` fails" in result.stdout
    assert "Search for an edit of `larger`" in result.stdout
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["goal"], report["patch"], report["applied"]) == ("plan", "", [])
    assert report["items"][0]["suspects"][0]["name"] == "larger"
    assert report["effort"]["model_requests"] == 0


def test_a_plan_of_a_green_repository(home: Path, repo: Path) -> None:
    (repo / "calc.py").write_text(f"import os\n\n\n{BUGGY.replace('<', '>')}")
    result = agent("plan", repo, "--endpoint", NOWHERE)
    assert result.exit_code == 0, result.output
    assert "2 of 2 tests pass; 0 items in the plan" in result.stdout
    result = agent("plan", repo, "--endpoint", NOWHERE, "--only", "all")
    assert "Style in `calc.py" in result.stdout


def test_a_repository_without_tests(home: Path, repo: Path) -> None:
    (repo / "test_calc.py").unlink()
    for command in ("plan", "explain"):
        result = agent(command, repo, "--endpoint", NOWHERE)
        assert result.exit_code == 2, result.output
        assert "No tests" in result.stderr


def test_explain_tells_the_way_to_the_fault_and_the_models_words(
    home: Path,
    repo: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = serve(FakeEngine(replies=(WORDS,)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    before = content(repo)
    result = agent("explain", repo, "--endpoint", served.base_url)
    assert result.exit_code == 1, result.output
    assert content(repo) == before
    assert "### `test_calc.py::test_first`" in result.stdout
    assert "1. `test_calc.py:5` in `test_first`" in result.stdout
    words = result.stdout.partition("## In the model's words (an explanation, not evidence)")[2]
    assert "The comparison picks the smaller one." in words
    assert "\x1b" not in words
    assert "`@someone`" in words


def test_explain_needs_its_model(home: Path, repo: Path) -> None:
    result = agent("explain", repo, "--endpoint", NOWHERE)
    assert result.exit_code == 4, result.output
    assert "cannot be reached" in result.stderr


def test_explain_of_a_green_repository_asks_nobody(home: Path, repo: Path) -> None:
    (repo / "calc.py").write_text(BUGGY.replace("<", ">"))
    result = agent("explain", repo, "--endpoint", NOWHERE)
    assert result.exit_code == 0, result.output
    assert "2 of 2 tests pass" in result.stdout
