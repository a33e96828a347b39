"""Candidates of a model, completed with what their new code needs elsewhere in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.repair.budget import Budget
from agent.repair.edit import SourceReader, edited_files, read_source
from agent.repair.seams import Candidate, Evidence, Language, Proposer, Splice


class Completed:
    """A proposer whose candidates bring their imports along."""

    def __init__(
        self,
        proposer: Proposer,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
    ) -> None:
        self.name = proposer.name
        self._proposer = proposer
        self._languages = tuple(languages)
        self._reader = reader

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        for candidate in self._proposer.propose(evidence, budget):
            yield self._completed(candidate, evidence)

    def _completed(self, candidate: Candidate, evidence: Evidence) -> Candidate:
        more: list[Splice] = []
        before: dict[str, str] = {}
        for path in sorted({splice.path for splice in candidate.splices}):
            own = [splice for splice in candidate.splices if splice.path == path]
            before[path] = self._reader(evidence.root, path)
            for language in self._languages:
                if language.owns(path):
                    more += language.lacking_imports(path, before[path], own)
        if not more:
            return candidate
        splices = (*candidate.splices, *more)
        try:
            edited_files(splices, before)
        except ValueError:
            return candidate  # it edits the imports itself
        return candidate.model_copy(update={"splices": splices})
