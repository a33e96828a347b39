"""Template edits: no model, one small typed change at a suspicious place."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from agent.repair.budget import Budget
from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.seams import Candidate, Evidence, Language, Suspect

MAX_SUSPECTS = 8


class Templates(Protocol):
    """The template edits of one language."""

    def edits(
        self, source: str, suspect: Suspect, read: Callable[[str], str | None] | None = None
    ) -> Iterator[Edit]:
        """Edits of a suspect by falling weight; each one parses and changes the code.

        `read` gives the text of another file of the repository, None where there is none.
        """


class TemplateProposer:
    """Merges the edits of all suspects: likeliest operator at the most suspicious line first."""

    name = "template"

    def __init__(
        self,
        templates: Mapping[str, Templates],
        languages: tuple[Language, ...],
        *,
        reader: SourceReader = read_source,
        max_suspects: int = MAX_SUSPECTS,
    ) -> None:
        """`templates` by language name; languages without templates propose nothing."""
        self._templates = templates
        self._languages = languages
        self._reader = reader
        self._max_suspects = max_suspects

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        streams = [
            self._scored(evidence, suspect, rank)
            for rank, suspect in enumerate(evidence.suspects[: self._max_suspects])
        ]
        for _, _, _, candidate in heapq.merge(*streams):
            if budget.spent:
                return
            yield candidate

    def _scored(
        self, evidence: Evidence, suspect: Suspect, rank: int
    ) -> Iterator[tuple[float, int, int, Candidate]]:
        """Sort key (least first) and candidate; the middle numbers break ties for good."""
        templates = self._for(suspect.path)
        if templates is None:
            return
        try:
            source = self._reader(evidence.root, suspect.path)
        except OSError:
            return

        def read(path: str) -> str | None:
            try:
                return self._reader(evidence.root, path)
            except OSError:
                return None

        for order, edit in enumerate(templates.edits(source, suspect, read)):
            score = max(suspect.score, 0.01) * edit.weight
            candidate = Candidate(
                strategy=self.name,
                operator=edit.operator,
                splices=(edit.splice(suspect.path),),
                weight=score,
            )
            yield -score, rank, order, candidate

    def _for(self, path: str) -> Templates | None:
        for language in self._languages:
            if language.owns(path) and not language.is_test(path):
                return self._templates.get(language.name)
        return None
