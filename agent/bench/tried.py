"""Reads from a run's record what was planned and tried, in the order in which it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.bench.results import Yield
from agent.record import read
from agent.repair.seams import Candidate, Verdict
from agent.state import Kind, PlanItem
from tools.report import TestReport

TEST_TOOL = "run_tests"


@dataclass(frozen=True)
class Story:
    """What one run did. Seconds are wall clock."""

    baseline: TestReport
    """The tests before any edit; empty when they were never run."""
    items: tuple[PlanItem, ...]
    """The plan's bugs."""
    tried: tuple[tuple[int, Verdict], ...]
    """The number of the item, and the verdict on one candidate for it."""
    accepted: tuple[int, ...]
    """Numbers of the items of which an edit was accepted."""
    confirmed: tuple[str, ...]
    """Ids of the tests that the last confirmation of an edit ran."""
    refused: bool
    """Whether a candidate that the search kept failed its confirmation."""
    plan_seconds: float
    """From the run's start to its plan: tests, coverage and the model's reading."""
    test_seconds: float
    """Of all test runs: the plan's, the candidates' and the confirmations'."""


def story(record: Path) -> Story:
    """The story of a run that has ended."""
    baseline, confirmed, refused = TestReport(), TestReport(), False
    items: tuple[PlanItem, ...] = ()
    accepted: list[int] = []
    started = planned = tests = 0.0
    for entry in read(record):
        data = entry["data"]
        match entry["kind"]:
            case "started":
                started = entry["time"]
            case "baseline":
                baseline = TestReport.model_validate(data["report"])
            case "plan":
                planned, items = entry["time"], _bugs(data["items"])
            case "confirmed":
                refused = refused or bool(data["worse"])
                confirmed = TestReport.model_validate(data["report"])
            case "accepted":
                accepted.append(data["item"]["number"])
            case "tool" if data["tool"] == TEST_TOOL:
                tests += data["seconds"]
    return Story(
        baseline=baseline,
        items=items,
        tried=tuple(verdicts(record)),
        accepted=tuple(accepted),
        confirmed=tuple(result.id for result in confirmed.results),
        refused=refused,
        plan_seconds=round(max(0.0, planned - started), 2),
        test_seconds=round(tests, 2),
    )


def _bugs(items: Iterable[dict[str, Any]]) -> tuple[PlanItem, ...]:
    every = (PlanItem.model_validate(item) for item in items)
    return tuple(item for item in every if item.kind is Kind.BUG)


def verdicts(record: Path) -> Iterator[tuple[int, Verdict]]:
    """The number of the plan's item, and the verdict on one candidate for it.

    The record holds candidates where they were proposed and verdicts where they were tried, both
    in the same order.
    """
    waiting: list[Candidate] = []
    for entry in read(record):
        data = entry["data"]
        if entry["kind"] == "proposed":
            waiting = [Candidate.model_validate(c) for c in data["candidates"]]
        elif entry["kind"] == "tried":
            told = {key: value for key, value in data.items() if key != "item"}
            yield data["item"], Verdict(candidate=waiting.pop(0), **told)


def yields(found: Iterable[Verdict]) -> dict[str, Yield]:
    """What each strategy gave."""
    by_strategy: dict[str, list[Verdict]] = {}
    for verdict in found:
        by_strategy.setdefault(verdict.candidate.strategy, []).append(verdict)
    return {
        name: Yield(
            ran=sum(not verdict.rejected for verdict in own),
            rejected=sum(bool(verdict.rejected) for verdict in own),
            survivors=sum(verdict.survives for verdict in own),
            test_seconds=round(sum(verdict.seconds for verdict in own), 3),
        )
        for name, own in by_strategy.items()
    }
