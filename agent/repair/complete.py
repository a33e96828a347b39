"""Candidates of a model, completed with what their new code needs elsewhere in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agent.repair.edit import SourceReader, edited_files, read_source
from agent.repair.seams import Budget, Candidate, Evidence, Language, Proposer


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
        paths = {splice.path for splice in candidate.splices}
        before = {path: self._reader(evidence.root, path) for path in paths}
        after = edited_files(candidate.splices, before)
        more = [
            splice
            for path, language in self._owned(after)
            for splice in language.lacking_imports(path, before[path], after[path])
        ]
        splices = (*candidate.splices, *more)
        try:
            edited_files(splices, before)
        except ValueError:
            return candidate  # it edits the imports itself
        return candidate.model_copy(update={"splices": splices}) if more else candidate

    def _owned(self, paths: Iterable[str]) -> Iterator[tuple[str, Language]]:
        for path in sorted(paths):
            for language in self._languages:
                if language.owns(path):
                    yield path, language
