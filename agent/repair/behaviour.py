"""What survivors do where the tests do not look: equal answers to the same probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Protocol

from agent.repair.ahead import CandidateRunner
from agent.repair.budget import Budget
from agent.repair.edit import SourceReader, edited_files, read_source
from agent.repair.places import MODULE, suspectable
from agent.repair.seams import Candidate, Evidence, Language, Verdict
from tools.report import TestReport

MOST_COMPARED = 16
"""Survivors that are probed, the best by their own score."""
VAIN_RUNS = 2
"""After so many runs that told nothing, nobody is probed."""
MOST_SECONDS, SHARE = 30.0, 0.15
"""What probing may take: so many seconds, and no more than this share of what is left."""

Digests = Mapping[str, tuple[str, ...]]
"""What each probe test told, by the test's id."""


class Probes(Protocol):
    """Makes tests that tell what functions do on inputs near those of the repository's tests."""

    def modules(self, evidence: Evidence, edited: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """Path and text of new test files; `edited` has qualified names of functions by path.

        The same for the same evidence and names. Empty when the tests call none of them.
        """

    def digests(self, report: TestReport) -> Digests:
        """What the probe tests told in a run; tests that told nothing are left out."""


class Behaviours:
    """Runs probes with each survivor in place."""

    def __init__(
        self,
        runner: CandidateRunner,
        probes: Probes,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
    ) -> None:
        self._runner = runner
        self._probes = probes
        self._languages = tuple(languages)
        self._reader = reader

    def of(
        self, survivors: Sequence[Verdict], evidence: Evidence, budget: Budget
    ) -> tuple[Digests, ...]:
        """For each survivor what its probes told, alike for those that behave alike.

        Empty for survivors that were not compared: too many, no budget, or no answer.
        """
        candidates = [verdict.candidate for verdict in survivors]
        paths = dict.fromkeys(splice.path for c in candidates for splice in c.splices)
        sources = {path: self._reader(evidence.root, path) for path in paths}
        modules = self._probes.modules(evidence, self._edited(candidates, sources))
        told: list[Digests] = []
        if modules and len(candidates) > 1:
            told = self._all(candidates, sources, modules, budget)
        return (*told, *({} for _ in candidates[len(told) :]))

    def _all(
        self,
        candidates: Sequence[Candidate],
        sources: Mapping[str, str],
        modules: Mapping[str, str],
        budget: Budget,
    ) -> list[Digests]:
        end = budget.clock() + min(MOST_SECONDS, SHARE * budget.seconds_left)
        told: list[Digests] = []
        again: Digests | None = None
        for candidate in candidates[:MOST_COMPARED]:
            if budget.spent or budget.clock() > end or (not any(told) and len(told) == VAIN_RUNS):
                break
            files = {**edited_files(candidate.splices, sources), **modules}
            told.append(self._run(files, modules, budget))
            if again is None and told[-1]:
                again = _steady(told[-1], self._run(files, modules, budget))
        return [_restricted(digests, again or {}) for digests in told]

    def _run(self, files: Mapping[str, str], modules: Mapping[str, str], budget: Budget) -> Digests:
        budget.test_runs_used += 1
        report = self._runner.run(files, list(modules))
        # How far a run came before its time was over says nothing about the candidate.
        return {} if report.timed_out else self._probes.digests(report)

    def _edited(
        self, candidates: Sequence[Candidate], sources: Mapping[str, str]
    ) -> dict[str, list[str]]:
        """Qualified names of all functions that any of the candidates touches, by path."""
        edited: dict[str, list[str]] = {}
        for candidate in candidates:
            for splice in candidate.splices:
                names = edited.setdefault(splice.path, [])
                name = self._around(splice.path, splice.start, splice.end, sources)
                if name not in names:
                    names.append(name)
        return edited

    def _around(self, path: str, start: int, end: int, sources: Mapping[str, str]) -> str:
        language = next((lang for lang in self._languages if lang.owns(path)), None)
        spans = suspectable(language.spans(sources[path])) if language is not None else []
        # A span begins behind its indentation, where the edit of a whole line does not.
        inside = [
            span.name for span in spans if start < span.end and span.start < max(end, start + 1)
        ]
        return inside[-1] if inside else MODULE


def _steady(one: Digests, other: Digests) -> Digests:
    """The answers that two runs of the same code agree on, an empty text for any other."""
    steady = {
        name: tuple(
            answer if answer == again else ""
            for answer, again in zip_longest(answers, other.get(name, ()), fillvalue="")
        )
        for name, answers in one.items()
    }
    return {name: answers for name, answers in steady.items() if any(answers)}


def _restricted(digests: Digests, steady: Digests) -> Digests:
    """The answers to the steady probes alone; nothing when there were no answers at all."""
    if not digests:
        return {}
    return {
        name: tuple(
            answer
            for answer, sure in zip_longest(digests.get(name, ()), answers, fillvalue="more")
            if sure
        )
        for name, answers in steady.items()
    }
