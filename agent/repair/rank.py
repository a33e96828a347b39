"""Which survivor to apply first: passing the tests is not the same as being right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from agent.repair.edit import SourceReader, read_source
from agent.repair.seams import Candidate, Evidence, Language, Verdict

LITERAL = re.compile(r"""\d+\.\d+|\b\d{2,}\b|\b[3-9]\b|"[^"\n]{2,}"|'[^'\n]{2,}'""")
"""Literals that say something; 0, 1 and 2 stand in every program."""

TEMPLATE_TOTAL = 60.0
"""About what the weights of all template edits of a function add up to."""
UNKNOWN = -9.0
"""Nats for a candidate of which neither probability nor weight is known."""
LINE, CHARACTER, DELETION, SPECIAL = -0.4, -0.01, -1.0, -30.0
"""Nats that changed lines and characters, pure deletions and literals of the test cost."""


@dataclass(frozen=True)
class Judgement:
    """How one survivor was weighed."""

    verdict: Verdict
    score: float
    """Nats; larger is better."""
    reasons: tuple[str, ...]


class BehaviourRanker:
    """Weighs likelihood, size and kind of edit, and distrusts literals copied from a test."""

    def __init__(
        self, languages: Sequence[Language], *, reader: SourceReader = read_source
    ) -> None:
        self._languages = tuple(languages)
        self._reader = reader

    def rank(self, survivors: Sequence[Verdict], evidence: Evidence) -> tuple[Verdict, ...]:
        return tuple(judgement.verdict for judgement in self.judge(survivors, evidence))

    def judge(self, survivors: Sequence[Verdict], evidence: Evidence) -> tuple[Judgement, ...]:
        """The same order with the score and, in words, what counted for and against each."""
        told = self._literals_of_tests(evidence)
        judged = [self._judge(verdict, evidence, told) for verdict in survivors]
        return tuple(sorted(judged, key=lambda judgement: -judgement.score))

    def _judge(self, verdict: Verdict, evidence: Evidence, told: set[str]) -> Judgement:
        candidate = verdict.candidate
        score, reasons = _likelihood(candidate)
        removed, added = self._texts(candidate, evidence)
        lines = max(removed.count("\n"), added.count("\n")) + 1
        changed = abs(len(added) - len(removed)) + min(len(added), len(removed)) // 4
        score += LINE * (lines - 1) + CHARACTER * changed
        reasons.append(f"changes {lines} line{'s' * (lines > 1)}")
        if not added.strip():
            score += DELETION
            reasons.append("only deletes code")
        copied = sorted((_literals(added) - self._known(candidate, evidence)) & told)
        if copied:
            score += SPECIAL
            reasons.append(f"holds {', '.join(copied[:3])} of the failing test, new to the code")
        return Judgement(verdict, score, tuple(reasons))

    def _texts(self, candidate: Candidate, evidence: Evidence) -> tuple[str, str]:
        """Text that goes and text that comes, without what both begin and end with."""
        removed, added = [], []
        for splice in candidate.splices:
            old, new = self._source(evidence, splice.path)[splice.start : splice.end], splice.text
            head = _common(old, new)
            old, new = old[head:], new[head:]
            tail = _common(old[::-1], new[::-1])
            removed.append(old[: len(old) - tail])
            added.append(new[: len(new) - tail])
        return "\n".join(removed), "\n".join(added)

    def _known(self, candidate: Candidate, evidence: Evidence) -> set[str]:
        paths = {splice.path for splice in candidate.splices}
        return {word for path in paths for word in _literals(self._source(evidence, path))}

    def _literals_of_tests(self, evidence: Evidence) -> set[str]:
        paths = sorted({test.path for test in evidence.failing if test.path})
        texts = [self._source(evidence, path) for path in paths]
        texts += [f"{test.message}\n{test.traceback}" for test in evidence.failing]
        return {word for text in texts for word in _literals(text)}

    def _source(self, evidence: Evidence, path: str) -> str:
        try:
            return self._reader(evidence.root, path)
        except OSError:
            return ""


def _likelihood(candidate: Candidate) -> tuple[float, list[str]]:
    """Nats of the edit before any test, from the model or from how usual such edits are."""
    if candidate.log_probability is not None:
        nats = candidate.log_probability
        return nats, [f"the model finds it likely ({nats:.1f} nats)"]
    if candidate.weight is not None and candidate.weight > 0:
        nats = log(candidate.weight / TEMPLATE_TOTAL)
        return nats, [f"`{candidate.operator}` edits are usual at such a place ({nats:.1f} nats)"]
    return UNKNOWN, [f"from {candidate.operator or candidate.strategy}"]


def _literals(text: str) -> set[str]:
    """Literals, quotes told apart from what they hold."""
    return {match.strip("\"'") for match in LITERAL.findall(text)}


def _common(one: str, other: str) -> int:
    """Length of the common beginning."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
