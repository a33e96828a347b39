"""Whole runs here end with the first survivors that patience by number allows."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_patience_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.repair.assembly.PATIENCE_SECONDS", 0.0)
