"""Which survivor to apply first: passing the tests is not the same as being right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from agent.repair.behaviour import Behaviours, Digests
from agent.repair.budget import Budget
from agent.repair.edit import SourceReader, common, edited_files, read_source
from agent.repair.likelihood import Likelihood
from agent.repair.mistakes import Hear, left_out, raised
from agent.repair.seams import Candidate, Evidence, Language, Ranking, Verdict

LITERAL = re.compile(r"""\d+\.\d+|\b\d{2,}\b|\b[3-9]\b|"[^"\n]{2,}"|'[^'\n]{2,}'""")
"""Literals that say something; 0, 1 and 2 stand in every program."""

TEMPLATE_TOTAL = 60.0
"""About what the weights of all template edits of a function add up to."""
UNKNOWN = -9.0
"""Nats for a candidate of which neither probability nor weight is known."""
LINE, CHARACTER, DELETION, POINTLESS, SPECIAL = -0.4, -0.01, -1.0, -6.0, -30.0
"""Nats that changed lines and characters, pure deletions, conditions that decide nothing and
literals of the test cost."""
MOST_READ, UNREAD = 12, -10.0
"""Survivors that the model reads, and nats for those that it does not."""
PLAIN = 9.0
"""How many times more size counts among edits that do the same: `a >= b`, not `not (a < b)`."""


@dataclass(frozen=True)
class Judgement:
    """How one survivor was weighed."""

    verdict: Verdict
    score: float
    """Nats; larger is better."""
    reasons: tuple[str, ...]
    """What was told of its likelihood comes first."""
    likely: float = 0.0
    """Nats of the score that stand for how likely the edit is."""
    size: float = 0.0
    """Nats of the score that the edit's size costs; at most 0."""
    was_read: bool = False
    """Whether `likely` is the model's measure."""
    special: bool = False
    """It holds a literal of a failing test that the code did not have."""

    @property
    def plainness(self) -> float:
        """The order among edits that behave alike: the small and usual one reads best."""
        return self.score + (PLAIN - 1) * self.size

    def read(self, nats: float | None) -> Judgement:
        """The same, its likelihood by the model's measure; None when the model did not read it.

        Such a one is put behind: its weight was made by another measure.
        """
        if nats is None:
            told = (*self.reasons, "not read by the model")
            return replace(self, score=self.score + UNREAD, reasons=told)
        more = "more" if nats >= 0 else "less"
        told = (f"the model likes it {abs(nats):.1f} nats {more} than the code as it was",)
        score = self.score - self.likely + nats
        told += self.reasons[1:]
        return replace(self, score=score, reasons=told, likely=nats, was_read=True)


class BehaviourRanker:
    """Weighs likelihood, size and kind of edit, and distrusts literals copied from a test.

    Survivors that behave alike on probes vouch for each other: their weights are added up.
    """

    def __init__(
        self,
        languages: Sequence[Language],
        behaviours: Behaviours | None = None,
        likelihood: Likelihood | None = None,
        *,
        reader: SourceReader = read_source,
        hear: Hear = raised,
    ) -> None:
        """Without `behaviours` nothing is run, and each survivor stands for itself.

        Without `likelihood` an edit's weight is what its own strategy gave it. `hear` is told
        where one of the two failed: then it is as without it.
        """
        self._languages = tuple(languages)
        self._behaviours = behaviours
        self._likelihood = likelihood
        self._reader = reader
        self._hear = hear

    def rank(
        self,
        survivors: Sequence[Verdict],
        evidence: Evidence,
        budget: Budget,
        *,
        lone: bool = False,
    ) -> Ranking:
        """The best of each behaviour, the weightiest behaviour first; then all others.

        Those that hold a literal of the test come last, whatever they do. `lone`: whether the model
        also reads a single one that is not its own.
        """
        judged = self.judge(survivors, evidence)
        groups = self._groups(judged, evidence, budget)
        own = all(s.candidate.log_probability is not None for s in survivors)
        if self._likelihood is not None and (len(judged) > 1 or (lone and not own)):
            groups = self._compared(groups, self._likelihood, evidence, budget)
        heads = [group.head for group in groups]
        rest = [one for group in groups for one in group.members if one is not group.head]
        rest.sort(key=lambda one: -one.score)
        order = sorted([*heads, *rest], key=lambda one: one.special)
        compared = [group for group in groups if group.compared]
        agreeing = {id(one): len(group.members) for group in compared for one in group.members}
        behaves = {id(one): n for n, group in enumerate(compared, 1) for one in group.members}
        return Ranking(
            liked=next((group.liked for group in groups if group.has(order[0])), None),
            order=tuple(one.verdict for one in order),
            behaviours=len(compared),
            agreeing=tuple(agreeing.get(id(one), 0) for one in order),
            reasons=tuple(one.reasons for one in order),
            scores=tuple(one.score for one in order),
            behaves=tuple(behaves.get(id(one), 0) for one in order),
        )

    def judge(self, survivors: Sequence[Verdict], evidence: Evidence) -> tuple[Judgement, ...]:
        """By single weight, with the score and, in words, what counted for and against each."""
        told = self._literals_of_tests(evidence)
        judged = [self._judge(verdict, evidence, told) for verdict in survivors]
        return tuple(sorted(judged, key=lambda judgement: -judgement.score))

    def _compared(
        self,
        groups: Sequence[_Group],
        likelihood: Likelihood,
        evidence: Evidence,
        budget: Budget,
    ) -> list[_Group]:
        """The same groups, weighed by the model: one of each is read, then as many as may be."""
        heads = [group.head for group in groups]
        others = [one for group in groups for one in group.members if one is not group.head]
        others.sort(key=lambda one: -one.score)
        chosen = [*heads, *others][:MOST_READ]
        read: Mapping[int, float] = {}
        with left_out("The model's reading of the survivors", self._hear):
            read = likelihood.of([one.verdict.candidate for one in chosen], evidence, budget)
        if not read:
            return list(groups)
        nats = {id(chosen[position]): value for position, value in read.items()}
        weighed = [
            _Group(group.answers, [one.read(nats.get(id(one))) for one in group.members])
            for group in groups
        ]
        return sorted(weighed, key=lambda group: -group.weight)

    def _groups(
        self, judged: Sequence[Judgement], evidence: Evidence, budget: Budget
    ) -> list[_Group]:
        """Judgements that behave alike, the weightiest first; who was not compared is alone."""
        told: Sequence[Digests] = ({},) * len(judged)
        if self._behaviours is not None:
            with left_out("Running the survivors on other inputs", self._hear):
                told = self._behaviours.of([one.verdict for one in judged], evidence, budget)
        groups: list[_Group] = []
        for judgement, answers in zip(judged, told, strict=True):
            group = next((g for g in groups if answers and g.answers == answers), None)
            if group is None:
                group = _Group(answers, [])
                groups.append(group)
            group.members.append(judgement)
        return sorted(groups, key=lambda group: -group.weight)

    def _judge(self, verdict: Verdict, evidence: Evidence, told: set[str]) -> Judgement:
        candidate = verdict.candidate
        likely, why = _likelihood(candidate)
        score, reasons = likely, [why]
        removed, added = self._texts(candidate, evidence)
        lines = max(removed.count("\n"), added.count("\n")) + 1
        changed = abs(len(added) - len(removed)) + min(len(added), len(removed)) // 4
        size = LINE * (lines - 1) + CHARACTER * changed
        score += size
        reasons.append(f"changes {lines} line{'s' * (lines > 1)}")
        if not added.strip():
            score += DELETION
            reasons.append("only deletes code")
        if self._is_pointless(candidate, evidence):
            score += POINTLESS
            reasons.append("a condition has the same answer both ways")
        copied = sorted((_literals(added) - self._known(candidate, evidence)) & told)
        if copied:
            score += SPECIAL
            reasons.append(f"holds {', '.join(copied[:3])} of the failing test, new to the code")
        return Judgement(verdict, score, tuple(reasons), likely, size, special=bool(copied))

    def _is_pointless(self, candidate: Candidate, evidence: Evidence) -> bool:
        """Whether the edit leaves more conditions that decide nothing than there were."""
        before = {s.path: self._source(evidence, s.path) for s in candidate.splices}
        try:
            after = edited_files(candidate.splices, before)
        except ValueError:
            return False
        return any(
            language.pointless(after[path]) > language.pointless(before[path])
            for path in after
            for language in self._languages
            if language.owns(path)
        )

    def _texts(self, candidate: Candidate, evidence: Evidence) -> tuple[str, str]:
        """Text that goes and text that comes, without what both begin and end with."""
        removed, added = [], []
        for splice in candidate.splices:
            old, new = self._source(evidence, splice.path)[splice.start : splice.end], splice.text
            head = common(old, new)
            old, new = old[head:], new[head:]
            tail = common(old[::-1], new[::-1])
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


@dataclass(frozen=True)
class _Group:
    """Survivors that gave the same answers to all probes."""

    answers: Digests
    members: list[Judgement]

    @property
    def head(self) -> Judgement:
        """The one that reads best."""
        return max(self.members, key=lambda one: one.plainness)

    @property
    def compared(self) -> bool:
        return bool(self.answers)

    def has(self, judgement: Judgement) -> bool:
        return any(one is judgement for one in self.members)

    @property
    def liked(self) -> float | None:
        """Nats of the member that the model likes best, whatever its size; None if it read none."""
        return max((one.score - one.size for one in self.members if one.was_read), default=None)

    @property
    def weight(self) -> float:
        """Nats of all members together."""
        best = max(one.score for one in self.members)
        return best + log(sum(exp(one.score - best) for one in self.members))


def _likelihood(candidate: Candidate) -> tuple[float, str]:
    """Nats of the edit before any test, from the model or from how usual such edits are."""
    if candidate.log_probability is not None:
        nats = candidate.log_probability
        return nats, f"the model finds it likely ({nats:.1f} nats)"
    if candidate.weight is not None and candidate.weight > 0:
        nats = log(candidate.weight / TEMPLATE_TOTAL)
        return nats, f"`{candidate.operator}` edits are usual at such a place ({nats:.1f} nats)"
    return UNKNOWN, f"from {candidate.operator or candidate.strategy}"


def _literals(text: str) -> set[str]:
    """Literals, quotes told apart from what they hold."""
    return {match.strip("\"'") for match in LITERAL.findall(text)}
