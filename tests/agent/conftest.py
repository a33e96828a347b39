"""Whole runs: they end with the survivors that patience by number allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import FakeEngine

from agent.repair.python import templates
from agent.repair.python.operators import OPERATORS
from runtime.client import Endpoint

FEW = {"arithmetic", "booleans", "comparisons", "constants"}
"""Modules of operators that mend the small faults of these tests."""


@pytest.fixture(autouse=True)
def no_patience_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.repair.assembly.PATIENCE_SECONDS", 0.0)


@pytest.fixture
def few_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what a run does around its search: a search of seconds, by few operators."""
    few = [one for one in OPERATORS if one.body.__module__.rpartition(".")[2] in FEW]
    monkeypatch.setattr(templates, "OPERATORS", few)


@pytest.fixture
def reversed_comparison(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A repository with one bug, and a served model that says where it is."""
    served = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    monkeypatch.setenv("LOCUM_ENDPOINT", served.base_url)
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text("def larger(a, b):\n    return a if a < b else b\n")
    (root / "test_calc.py").write_text(
        "from calc import larger\n\n\ndef test_first():\n    assert larger(3, 2) == 3\n"
    )
    return root
