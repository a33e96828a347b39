"""How much more the model likes edited code than the code as it is: one short pass a survivor.

What an edit leaves behind it counts as well: code that can no longer be reached is unlikely.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from agent.repair.budget import Budget
from agent.repair.edit import SourceReader, common, edited_files, read_source
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.seams import Candidate, Evidence, Language, Splice
from runtime.errors import BranchingUnsupported

TAIL = 2
"""Lines behind an edit that are read with it."""
MOST_LINES = 40
"""A longer edit is not read."""


class Scorer(Protocol):
    """A model endpoint that tells how likely given texts are."""

    def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        forced: str,
        continuations: Sequence[str],
        offsets: Sequence[int],
    ) -> Sequence[float]:
        """Nats of each continuation of an answer that begins with so many characters of `forced`.

        Raises BranchingUnsupported when the endpoint has no such thing.
        """


class Likelihood:
    """Compares survivors by the model's own measure, whatever strategy made them."""

    def __init__(
        self, scorer: Scorer, languages: Sequence[Language], *, reader: SourceReader = read_source
    ) -> None:
        self._scorer = scorer
        self._languages = tuple(languages)
        self._prompt = FixPrompt(languages, reader)
        self._unsupported = False
        self._known: dict[tuple[str, _Text], float] = {}
        """Nats by the question and the text that was read."""

    def of(
        self, candidates: Sequence[Candidate], evidence: Evidence, budget: Budget
    ) -> dict[int, float]:
        """By position in `candidates`: nats of the edited lines less those of the lines before.

        Candidates that cannot be shown, such as those of several files, are left out; so are
        those that the budget has no time for.
        """
        found: dict[int, float] = {}
        for shown, edits in self._edits(candidates, evidence):
            if budget.spent or self._unsupported:
                break
            messages = self._prompt.messages(evidence, shown)
            try:
                nats = self._nats(messages, edits.values())
            except BranchingUnsupported:
                self._unsupported = True
                break
            for position, edit in edits.items():
                found[position] = nats[edit.new] - nats[edit.old]
        return found

    def _nats(
        self, messages: Sequence[Mapping[str, Any]], edits: Iterable[_Edit]
    ) -> dict[_Text, float]:
        """Of all their texts; those that were read before are not read again."""
        asked = json.dumps(messages)
        texts = dict.fromkeys(text for edit in edits for text in edit)
        fresh = [text for text in texts if (asked, text) not in self._known]
        if fresh:
            forced = max((text.before for text in fresh), key=len)
            read, offsets = [text.read for text in fresh], [len(text.before) for text in fresh]
            nats = self._scorer.score(messages, forced, read, offsets)
            self._known.update(zip([(asked, text) for text in fresh], nats, strict=True))
        return {text: self._known[asked, text] for text in texts}

    def _edits(
        self, candidates: Sequence[Candidate], evidence: Evidence
    ) -> Iterator[tuple[Shown, dict[int, _Edit]]]:
        """The edits of one suspect, by position in `candidates`, are read in one pass: all of them
        are continuations of one text."""
        edited = {splice.path for candidate in candidates for splice in candidate.splices}
        views = {
            number: view
            for number, suspect in enumerate(evidence.suspects)
            if suspect.path in edited
            and (view := self._prompt.shown(evidence, suspect)) is not None
        }
        found: dict[int, dict[int, _Edit]] = {}
        for position, candidate in enumerate(candidates):
            number = _around(candidate, views)
            edit = None if number is None else self._edit(views[number], candidate)
            if number is not None and edit is not None:
                found.setdefault(number, {})[position] = edit
        for number, edits in sorted(found.items()):
            yield views[number], edits

    def _edit(self, shown: Shown, candidate: Candidate) -> _Edit | None:
        """What is read of an edit; None when not all of it can be seen."""
        path = candidate.splices[0].path
        # What an edit needs imported says nothing of how likely it is.
        said = [splice for splice in candidate.splices if not self._only_imports(splice)]
        inside = all(
            splice.path == path and shown.start <= splice.start and splice.end <= shown.end
            for splice in said
        )
        if not (said and inside):
            return None
        edited = edited_files(said, {path: shown.source})[path]
        end = shown.end + len(edited) - len(shown.source)
        return _differing(
            _split(shown.source[shown.start : shown.end]),
            _split(edited[shown.start : end]),
            self._prompt.opening(shown) + shown.header,
            self._prompt.closing(shown).strip("\n"),
        )

    def _only_imports(self, splice: Splice) -> bool:
        return any(
            language.owns(splice.path) and language.only_imports(splice.text)
            for language in self._languages
        )


class _Text(NamedTuple):
    before: str
    """The answer up to the first edited line."""
    read: str
    """From the first line that differs to some lines behind the last one."""


class _Edit(NamedTuple):
    """What was there and what comes."""

    old: _Text
    new: _Text


def _around(candidate: Candidate, views: Mapping[int, Shown]) -> int | None:
    """The suspect with the fewest characters shown that hold all of the edit's first splice."""
    first = candidate.splices[0]
    holding = [
        (view.end - view.start, number)
        for number, view in views.items()
        if view.path == first.path and view.start <= first.start and first.end <= view.end
    ]
    return min(holding)[1] if holding else None


def _differing(old: list[str], new: list[str], opening: str, closing: str) -> _Edit | None:
    """The lines in which two texts differ, with those behind; None when they are too many."""
    head = common(old, new)
    tail = common(old[head:][::-1], new[head:][::-1])
    if max(len(old), len(new)) - head - tail > MOST_LINES:
        return None
    following = [*old[len(old) - tail :], closing][:TAIL]
    texts = [
        "".join(f"{line}\n" for line in [*lines[head : len(lines) - tail], *following])
        for lines in (old, new)
    ]
    before = opening + "".join(f"{line}\n" for line in old[:head])
    return _Edit(*(_Text(before, text) for text in texts))


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
