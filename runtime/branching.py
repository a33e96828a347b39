"""Branch where the model is surprised.

The forced answer is run through the model once. Wherever the model would rather have written
another token, that token starts a branch: it shares the cache up to its position and is decoded
greedily to the end of its line or block, many branches in one batch.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from runtime.branch_end import Cut, Ending
from runtime.branch_memory import Key, Memory, Place, place
from runtime.branch_walk import Start, Walk, Walker
from runtime.core import Steps, Vocabulary, encode
from runtime.engine_api import Branched, BranchPath, BranchQuery, EngineError, PromptTooLong
from runtime.lane import Need, Seat
from runtime.sampling import Logits

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_AT_LINE_START = 10
"""Alternatives looked at where a line begins: what may be put in there is most varied."""
_KEPT = 16
"""Alternatives kept of each position, for the next question about the same code."""
WIDTH = 64
"""Branches decoded at once: they are short, and 64 give 1.3 times the tokens a second that 32
do (measured)."""


class _Forced:
    """The forced answer as tokens with the character offset at which each begins."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.text = text
        self.tokens = vocabulary.tokenize(text, special=False)
        pieces = [vocabulary.piece(token) for token in self.tokens]
        if b"".join(pieces) != text.encode():
            raise EngineError("this model's tokenizer does not give the forced text back")
        characters = list(accumulate((len(letter.encode()) for letter in text), initial=0))
        starts = accumulate((len(piece) for piece in pieces), initial=0)
        self._offsets = [_exact(characters, start) for start in starts]

    def offset(self, index: int) -> int | None:
        """Character offset of a token; None if it begins inside a character."""
        return self._offsets[index]

    def begins_line(self, index: int, stop: str) -> bool:
        """Whether nothing but blanks stands before the token in its line."""
        offset = self._offsets[index]
        if offset is None:
            return False
        return not self.text[:offset].rpartition(stop)[2].strip()

    def tail(self, index: int, end: int) -> Iterator[int]:
        """Indices of the tokens from ``index`` to the one that holds character ``end``."""
        for at in range(index, len(self.tokens)):
            offset = self._offsets[at]
            if offset is not None and offset > end:
                return
            yield at

    def between(self, first: int, last: int | None) -> list[int]:
        """Indices of the tokens that begin in this range of characters."""
        end = len(self.text) if last is None else last
        return [
            index
            for index in range(len(self.tokens))
            if (offset := self._offsets[index]) is not None and first <= offset < end
        ]


class BranchJob:
    """Finds the likeliest alternatives; see ``Engine.branch``."""

    def __init__(
        self, vocabulary: Vocabulary, context: int, query: BranchQuery, memory: Memory
    ) -> None:
        """Raises EngineError or PromptTooLong where the question cannot be run."""
        self._vocabulary = vocabulary
        self._query = query
        self._memory = memory
        self._prompt = encode(vocabulary, query.prompt)
        self._forced = _Forced(vocabulary, query.forced)
        self._wanted = self._forced.between(query.first, query.last) if self._prompt else []
        # The logits for the token at index i come after the token before it; what stands behind
        # the last wanted position need not be run at all.
        end = self._wanted[-1] if self._wanted else 0
        self._tokens = [*self._prompt, *self._forced.tokens[:end]]
        if len(self._tokens) + query.max_tokens > context:
            raise PromptTooLong(len(self._tokens) + query.max_tokens, context)

    @property
    def need(self) -> Need:
        """One sequence for each branch that may run at the same time."""
        if not self._wanted:
            return Need(self._tokens, 0)
        most = min(self._query.count + self._query.line_starts, WIDTH)
        return Need(self._tokens, self._query.max_tokens, max(1, most))

    def steps(self, seat: Seat) -> Steps[Branched]:
        """Read the forced answer, choose where to leave it, and follow each branch."""
        if not self._wanted:
            return Branched((), len(self._prompt) + len(self._forced.tokens), 0, 0)
        places, cached = yield from self._read(seat)
        starts, told = self._alternatives(places)
        walks = [
            Walk(
                start,
                len(self._prompt) + start.index,
                Ending(self._query.forced, offset, self._query),
            )
            for start in starts
            if (offset := self._forced.offset(start.index)) is not None
        ]
        walker = Walker(self._vocabulary, seat, self._query)
        yield from walker.steps(walks)
        branches = _distinct(self._forced, self._query, walks, told)
        return Branched(branches, len(self._tokens), walker.decoded, cached)

    def _read(self, seat: Seat) -> Steps[tuple[dict[int, Place], int]]:
        """What the model would write at each wanted index, and how many tokens were cached."""
        key = Key(self._query.owner, tuple(self._prompt), tuple(self._forced.tokens))
        count = max(_KEPT, self._query.per_position)
        places = self._memory.find(key, count)
        missing = [index for index in self._wanted if index not in places]
        first = len(self._prompt) + missing[0] - 1 if missing else len(self._tokens)
        cached = seat.reuse(self._tokens, first, stable=True)

        def take(at: int, logits: Logits) -> None:
            index = at + 1 - len(self._prompt)
            if index < len(self._forced.tokens):
                places[index] = place(logits, self._forced.tokens[index], count)

        yield from seat.read(self._tokens, first, take)
        self._memory.keep(key, count, places)
        return places, cached

    def _alternatives(self, places: Mapping[int, Place]) -> tuple[list[Start], dict[int, float]]:
        """The likeliest tokens that differ from the forced ones, by falling log-probability,
        and the log-probability of each forced token that is wanted, by its index."""
        query = self._query
        found: list[Start] = []
        at_lines: list[Start] = []
        for index in self._wanted:
            begins_line = query.line_starts > 0 and self._forced.begins_line(index, query.stop)
            looked_at = _AT_LINE_START if begins_line else query.per_position
            for rank, (token, nats) in enumerate(places[index].likeliest[:looked_at]):
                # Control tokens have no bytes; an answer that ends in mid-code mends nothing.
                if token == self._forced.tokens[index] or self._silent(token):
                    continue
                start = Start(nats, index, token)
                if rank < query.per_position:
                    found.append(start)
                if begins_line:
                    at_lines.append(start)
        chosen = heapq.nlargest(query.count, found, key=_likelihood)
        taken = set(chosen)
        more = [start for start in at_lines if start not in taken]
        chosen += heapq.nlargest(query.line_starts, more, key=_likelihood)
        told = {index: places[index].forced for index in self._wanted}
        return sorted(chosen, key=_likelihood, reverse=True), told

    def _silent(self, token: int) -> bool:
        return self._vocabulary.ends(token) or not self._vocabulary.piece(token)


def _likelihood(start: Start) -> float:
    return start.log_probability


def _distinct(
    forced: _Forced, query: BranchQuery, walks: Iterable[Walk], told: Mapping[int, float]
) -> tuple[BranchPath, ...]:
    """Branches whose resulting text is new, likeliest first."""
    seen: set[tuple[str, bool]] = set()
    kept: list[BranchPath] = []
    paths = [path for walk in walks for path in _paths(forced, walk, told)]
    for path in sorted(paths, key=lambda path: -path.log_probability):
        if _REPLACEMENT in path.text or path.text == forced.text[path.offset : path.end]:
            continue  # half a character, or another way to spell the same tokens
        # At a line start the caller may insert the text before the line instead of replacing
        # it, so such a branch is not the same as one that begins further right in the line.
        at_start = not forced.text[: path.offset].rpartition(query.stop)[2].strip()
        result = (forced.text[: path.offset] + path.text + forced.text[path.end :], at_start)
        if result not in seen:
            seen.add(result)
            kept.append(path)
    return tuple(kept)


def _paths(forced: _Forced, walk: Walk, told: Mapping[int, float]) -> Iterator[BranchPath]:
    """What a walk came to: its first line, and its block or way back where it went on."""
    offset = forced.offset(walk.start.index)
    if offset is None:
        return
    walk.stream.finish()
    text = walk.stream.text
    cuts = walk.ending.cuts or (Cut(len(text), walk.ending.line_end),)
    for cut in cuts:
        nats = walk.log_probability(cut.length)
        replaced = sum(told.get(index, 0.0) for index in forced.tail(walk.start.index, cut.end))
        if not forced.text[offset : cut.end].strip():
            replaced = 0.0  # it only adds lines
        yield BranchPath(
            offset, cut.end, text[: cut.length], nats, nats - replaced, bool(walk.ending.cuts)
        )


def _exact(characters: list[int], start: int) -> int | None:
    """The character that begins at byte ``start``."""
    at = bisect_left(characters, start)
    return at if at < len(characters) and characters[at] == start else None
