"""Branch where the model is surprised: other endings of lines, likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Any, Protocol

from agent.repair.budget import Budget
from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.novelty import Novelty
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.seams import Candidate, Evidence, Language, Suspect
from agent.repair.splices import ADDING, after, line_end, splices
from runtime.client import Branch
from runtime.errors import BranchingUnsupported

UNCOVERED = -3.0
"""Nats for a line that no failing test ran."""
BLOCKS = {":": ("except", "finally"), "{": ("}",), "(": (")",), "[": ("]",)}
"""What opens a block at a line's end in the languages of curly brackets and in Python, and how
the line begins that closes it."""


class Brancher(Protocol):
    """A model endpoint that can force a text and tell where it would have left it."""

    def branch(
        self,
        messages: Sequence[Mapping[str, Any]],
        forced: str,
        *,
        count: int,
        per_position: int,
        max_tokens: int,
        stop: str,
        first: int,
        last: int | None,
        line_starts: int,
        lines: int,
        rejoin: int,
        blocks: Mapping[str, Sequence[str]],
    ) -> Sequence[Branch]:
        """Raises BranchingUnsupported when the endpoint has no such thing."""


class BranchProposer:
    """One forced pass over a suspect; every branch becomes up to four small edits."""

    name = "branch"

    def __init__(
        self,
        brancher: Brancher,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
        count: int = 100,
        per_position: int = 6,
        max_tokens: int = 48,
        line_starts: int = 0,
        lines: int = 1,
        rejoin: int = 0,
        windows: int = 1,
        rank: int = 0,
    ) -> None:
        """`rank` says which suspect: 0 for the most suspicious.

        `windows`: into how many stretches of a suspect that is too long to be shown whole.
        `line_starts`, `lines` and `rejoin` are those of `runtime.engine_api.BranchQuery`.
        """
        self._brancher = brancher
        self._prompt = FixPrompt(languages, reader)
        self._rank = rank
        self._count = count
        self._per_position = per_position
        self._max_tokens = max_tokens
        self._line_starts = line_starts
        self._lines = lines
        self._rejoin = rejoin
        self._windows = windows
        self.unsupported = False
        """Whether the endpoint turned out unable to branch."""

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Candidates of one suspect by falling likelihood."""
        if budget.spent or self.unsupported or self._rank >= len(evidence.suspects):
            return
        suspect = evidence.suspects[self._rank]
        language = self._prompt.language(suspect.path)
        if language is None:
            return
        found: list[tuple[Shown, Branch]] = []
        for window in range(self._windows):
            shown = self._prompt.shown(evidence, suspect, window)
            if shown is None or (window and budget.spent):
                break
            found += [(shown, branch) for branch in self._ask(evidence, shown)]
        yield from self._candidates(found, suspect, language)

    def _ask(self, evidence: Evidence, shown: Shown) -> Sequence[Branch]:
        """Branches with offsets in `shown.text`."""
        opening = self._prompt.opening(shown)
        first = len(opening) + len(shown.header)
        forced = opening + shown.text
        try:
            found = self._brancher.branch(
                self._prompt.messages(evidence, shown),
                forced + self._prompt.closing(shown),
                count=self._count,
                per_position=self._per_position,
                max_tokens=self._max_tokens,
                stop="\n",
                first=first,
                # Behind the last line, so that one more may follow it.
                last=len(forced) + 2,
                line_starts=self._line_starts,
                lines=self._lines,
                rejoin=self._rejoin,
                blocks=BLOCKS if self._lines > 1 else {},
            )
        except BranchingUnsupported:
            self.unsupported = True
            return ()
        return [replace(b, offset=b.offset - len(opening), end=b.end - len(opening)) for b in found]

    def _candidates(
        self, found: Sequence[tuple[Shown, Branch]], suspect: Suspect, language: Language
    ) -> Iterator[Candidate]:
        scored: list[tuple[float, int, Edit, Shown, Branch]] = []
        for shown, branch in found:
            for edit in _edits(shown, branch):
                score = branch.log_probability + log(edit.weight) + _line_score(suspect, edit.line)
                scored.append((-score, len(scored), edit, shown, branch))
        novelty = {shown.start: Novelty(shown, language) for shown, _ in found}
        for _, _, edit, shown, branch in sorted(scored, key=lambda entry: entry[:2]):
            if (new := novelty[shown.start].new(edit)) is not None:
                yield Candidate(
                    strategy=self.name,
                    operator=edit.operator,
                    splices=(new.splice(shown.path),),
                    log_probability=_gain(edit, branch),
                )


def _edits(shown: Shown, branch: Branch) -> Iterator[Edit]:
    """The edits of the file that a branch stands for."""
    position, end = shown.offset(branch.offset), shown.offset(branch.end)
    if position is None or end is None or not branch.finished:
        return
    behind = branch.offset > len(shown.text)
    if behind:
        yield from after(shown.source, shown.end, branch.text)
    elif end == line_end(shown.source, position):
        yield from splices(shown.source, position, branch.text)
    else:
        yield from splices(shown.source, position, branch.text, end)


def _gain(edit: Edit, branch: Branch) -> float:
    """Nats by which the model prefers the edited code to the code as it is.

    What replaces text is weighed against that text, or an edit deep inside a line would be
    rewarded for keeping the line's unlikely beginning; what is added stands for itself.
    """
    return branch.log_probability if edit.operator in ADDING else branch.surprise


def _line_score(suspect: Suspect, line: int) -> float:
    """Nats for how suspicious the line is; 0 when lines are not told apart."""
    if not suspect.lines:
        return 0.0
    top = max(suspect.lines.values()) or 1.0
    share = suspect.lines.get(line, 0.0) / top
    return max(UNCOVERED, log(share)) if share > 0 else UNCOVERED
