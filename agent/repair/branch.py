"""Branch where the model is surprised: other endings of lines, likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from typing import Any, Protocol

from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.seams import Budget, Candidate, Evidence, Language, Suspect
from runtime.client import Branch
from runtime.errors import BranchingUnsupported

INSERTED, SWALLOWED, WRAPPED = -0.5, -1.5, -1.0
"""Nats that the rarer ways of splicing a branch in cost, against replacing the line's rest."""
ADDING = frozenset({"line before", "block around"})
UNCOVERED = -3.0
"""Nats for a line that no failing test ran."""


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
        rank: int = 0,
    ) -> None:
        """`rank` says which suspect: 0 for the most suspicious."""
        self._brancher = brancher
        self._prompt = FixPrompt(languages, reader)
        self._rank = rank
        self._count = count
        self._per_position = per_position
        self._max_tokens = max_tokens
        self.unsupported = False
        """Whether the endpoint turned out unable to branch."""

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Candidates of one suspect by falling likelihood."""
        if budget.spent or self.unsupported or self._rank >= len(evidence.suspects):
            return
        suspect = evidence.suspects[self._rank]
        shown = self._prompt.shown(evidence, suspect)
        language = self._prompt.language(suspect.path)
        if shown is not None and language is not None:
            branches = self._ask(evidence, shown)
            yield from self._candidates(branches, shown, suspect, language)

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
                last=len(forced) + 1,
            )
        except BranchingUnsupported:
            self.unsupported = True
            return ()
        return [
            Branch(b.offset - len(opening), b.text, b.log_probability, b.surprise, b.finished)
            for b in found
        ]

    def _candidates(
        self, branches: Sequence[Branch], shown: Shown, suspect: Suspect, language: Language
    ) -> Iterator[Candidate]:
        scored: list[tuple[float, int, Edit, Branch]] = []
        for branch in branches:
            position = shown.offset(branch.offset)
            if position is None or not branch.finished:
                continue
            for edit in splices(shown.source, position, branch.text):
                score = branch.log_probability + log(edit.weight) + _line_score(suspect, edit.line)
                scored.append((-score, len(scored), edit, branch))
        source = shown.source
        seen = {language.fingerprint(source[shown.start : shown.end])}
        for _, _, edit, branch in sorted(scored, key=lambda entry: entry[:2]):
            start, end = min(shown.start, edit.start), max(shown.end, edit.end)
            shape = language.fingerprint(
                source[start : edit.start] + edit.text + source[edit.end : end]
            )
            if shape not in seen and language.parses(edit.apply(source)):
                seen.add(shape)
                yield Candidate(
                    strategy=self.name,
                    operator=edit.operator,
                    splices=(edit.splice(shown.path),),
                    log_probability=_gain(edit, branch),
                )


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


def splices(source: str, position: int, text: str) -> Iterator[Edit]:
    """The ways to lay a branch's text into the source; `weight` is e to the nats it costs.

    The rest of the line is replaced; or the next line is swallowed as well; or, when nothing but
    blanks stands before it, a new line is put in front, which may open a block around the old one.
    """
    start = _line_start(source, position)
    end = _line_end(source, position)
    line = source.count("\n", 0, start) + 1
    newline = source[end : end + 2] if source[end : end + 2] == "\r\n" else "\n"
    text = text.rstrip()
    yield Edit(position, end, text, "rest of line", 1.0, line)
    following = end + len(newline)
    if end < len(source) and following <= len(source):
        tail = _line_end(source, following)
        yield Edit(position, tail, text, "line and the next", exp(SWALLOWED), line)
    lead = source[start:position]
    if not lead.strip() and text.strip():
        yield Edit(start, start, f"{lead}{text}{newline}", "line before", exp(INSERTED), line)
        if text.endswith(":"):
            step = "\t" if "\t" in lead else "    "
            wrapped = f"{lead}{text}{newline}{step}{source[start:end]}"
            yield Edit(start, end, wrapped, "block around", exp(WRAPPED), line)


def _line_start(source: str, position: int) -> int:
    return max(source.rfind("\n", 0, position), source.rfind("\r", 0, position)) + 1


def _line_end(source: str, position: int) -> int:
    ends = [at for at in (source.find("\n", position), source.find("\r", position)) if at >= 0]
    return min(ends, default=len(source))
