"""Branch and sample again, with the values that the suspect had when the test failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

from agent.repair.budget import Budget
from agent.repair.seams import Candidate, Evidence, Proposer, Suspect
from tools.report import CallSeen, TestResult, Watched
from tools.text import head_and_tail

MAX_VALUES = 1_200
"""Characters of values that are shown; about 400 tokens, which take 2 s to read."""


class Watcher(Protocol):
    """Runs a test and tells what one function did in it."""

    def watch(self, test: str, suspect: Suspect) -> Watched | None:
        """None where that could not be seen."""


class TraceProposer:
    """Asks other proposers about one suspect, whose values it adds to the evidence."""

    name = "trace"

    def __init__(self, watcher: Watcher, proposers: Sequence[Proposer], *, rank: int = 0) -> None:
        """`rank` says which suspect: 0 for the most suspicious."""
        self._watcher = watcher
        self._proposers = tuple(proposers)
        self._rank = rank

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Nothing where no value was seen: the same question would have the same answers."""
        if budget.spent or self._rank >= len(evidence.suspects) or not evidence.failing:
            return
        suspect = evidence.suspects[self._rank]
        test = _shortest(evidence.failing)
        budget.test_runs_used += 1
        watched = self._watcher.watch(test.id, suspect)
        values = told(watched, suspect) if watched is not None else ""
        if not values:
            return
        shown = replace(evidence, suspects=(suspect,), failing=(test,), values=values)
        streams = (proposer.propose(shown, budget) for proposer in self._proposers)
        for candidate in chain.from_iterable(streams):
            operator = f"{candidate.strategy}: {candidate.operator}"
            yield candidate.model_copy(update={"strategy": self.name, "operator": operator})


def told(watched: Watched, suspect: Suspect) -> str:
    """The calls and the values of the last one, line by line; empty when there was no call."""
    if not watched.calls:
        return ""
    name = suspect.name.rpartition(".")[2]
    rows = [_call(name, call) for call in watched.calls]
    if watched.count > len(watched.calls):
        rows.insert(0, f"{watched.count} calls in all; the last ones:")
    if watched.lines:
        rows.append("In the last call:")
        rows += [f"line {line}: {held} = {values}" for line, held, values in watched.lines]
    return head_and_tail("\n".join(rows), MAX_VALUES)


def _call(name: str, call: CallSeen) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in call.arguments.items())
    ended = f"raised {call.raised}" if call.raised else f"returned {call.returned}"
    return f"{name}({arguments}) {ended}"


def _shortest(tests: Sequence[TestResult]) -> TestResult:
    """The failing test with the least to read."""
    return min(tests, key=lambda test: (len(test.traceback), test.id))
