"""Reads from a run's record what was tried, in the order in which it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.bench.results import Yield
from agent.record import read
from agent.repair.seams import Candidate, Verdict


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
