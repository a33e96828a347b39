"""Branch where the model is surprised.

The forced answer is run through the model once. Wherever the model would rather have written
another token, that token starts a branch: it shares the cache up to its position and is decoded
greedily to the end of its line or block, many branches in one batch.
"""

import heapq
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from runtime.branch_end import Cut, Ending
from runtime.core import Core, Entry, Prefix, encode, stop_if_cancelled
from runtime.engine_api import (
    Branched,
    BranchPath,
    BranchQuery,
    Cancellation,
    EngineError,
    PromptTooLong,
)
from runtime.sampling import Logits, likeliest, log_normaliser
from runtime.text_stream import TextStream

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_AT_LINE_START = 10
"""Alternatives looked at where a line begins: what may be put in there is most varied."""
_HOPELESS = -9.0
"""Nats below which a branch does not go on behind its first line. Without a floor, branches of
several lines decode four times the tokens; the right ones were above -7.5 (measured)."""


@dataclass(frozen=True)
class _Start:
    """An alternative first token: where it would stand and how likely it is (nats)."""

    log_probability: float
    index: int
    token: int


@dataclass
class _Walk:
    """One branch while it is decoded."""

    start: _Start
    position: int
    ending: Ending
    stream: TextStream = field(default_factory=TextStream)
    tokens: list[int] = field(default_factory=list)
    sums: list[tuple[int, float]] = field(default_factory=list)
    """Length of the text and log-probability behind each token."""
    finished: bool = False

    def log_probability(self, length: int) -> float:
        """Of the tokens up to so many characters, in nats."""
        return next((nats for size, nats in self.sums if size >= length), self.sums[-1][1])


class _Forced:
    """The forced answer as tokens with the character offset at which each begins."""

    def __init__(self, core: Core, text: str) -> None:
        self.text = text
        self.tokens = core.tokenize(text, special=False)
        pieces = [core.piece(token) for token in self.tokens]
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


def branch(core: Core, prefix: Prefix, query: BranchQuery, cancellation: Cancellation) -> Branched:
    """Find the likeliest alternatives; see ``Engine.branch``."""
    prompt = encode(core, query.prompt)
    forced = _Forced(core, query.forced)
    wanted = forced.between(query.first, query.last)
    if not prompt or not wanted:
        return Branched((), len(prompt) + len(forced.tokens), 0, 0)
    # The logits for the token at index i come after the token before it; what stands behind
    # the last wanted position need not be run at all.
    tokens = [*prompt, *forced.tokens[: wanted[-1]]]
    if len(tokens) + query.max_tokens > core.context:
        raise PromptTooLong(len(tokens) + query.max_tokens, core.context)
    wanted_from = len(prompt) + wanted[0] - 1
    cached = prefix.reuse(tokens, wanted_from)
    rows = (
        (at + 1 - len(prompt), logits)
        for at, logits in prefix.run(tokens, wanted_from, cancellation)
    )
    told: dict[int, float] = {}
    starts = _alternatives(core, query, forced, set(wanted), rows, told)
    walks = [
        _Walk(start, len(prompt) + start.index, Ending(query.forced, offset, query))
        for start in starts
        if (offset := forced.offset(start.index)) is not None
    ]
    decoded = _Walker(core, query, len(tokens)).run(walks, cancellation)
    return Branched(_distinct(forced, query, walks, told), len(tokens), decoded, cached)


def _alternatives(
    core: Core,
    query: BranchQuery,
    forced: _Forced,
    wanted: set[int],
    rows: Iterable[tuple[int, Logits]],
    told: dict[int, float],
) -> list[_Start]:
    """The likeliest tokens that differ from the forced ones, by falling log-probability.

    ``told`` gets the log-probability of each forced token that is wanted, by its index.
    """
    found: list[_Start] = []
    at_lines: list[_Start] = []
    for index, logits in rows:
        if index not in wanted:
            continue
        actual = forced.tokens[index]
        normaliser = log_normaliser(logits)
        told[index] = float(logits[actual]) - normaliser
        begins_line = query.line_starts > 0 and forced.begins_line(index, query.stop)
        for rank, token in enumerate(
            likeliest(logits, _AT_LINE_START if begins_line else query.per_position)
        ):
            # Control tokens have no bytes; an answer that ends in mid-code mends nothing.
            if token == actual or core.ends(token) or not core.piece(token):
                continue
            start = _Start(float(logits[token]) - normaliser, index, token)
            if rank < query.per_position:
                found.append(start)
            if begins_line:
                at_lines.append(start)
    chosen = heapq.nlargest(query.count, found, key=_likelihood)
    taken = set(chosen)
    more = [start for start in at_lines if start not in taken]
    chosen += heapq.nlargest(query.line_starts, more, key=_likelihood)
    return sorted(chosen, key=_likelihood, reverse=True)


def _likelihood(start: _Start) -> float:
    return start.log_probability


class _Walker:
    """Decodes branches to their stop, refilling each slot as soon as its branch ends."""

    def __init__(self, core: Core, query: BranchQuery, prefix_tokens: int) -> None:
        self._core = core
        self._limit = query.max_tokens
        width = max(1, min(core.slots, (core.cells - prefix_tokens) // query.max_tokens))
        self._free = list(range(width, 0, -1))
        self._active: dict[int, _Walk] = {}
        self._decoded = 0

    def run(self, walks: Iterable[_Walk], cancellation: Cancellation) -> int:
        """Decode all of them; returns how many tokens were decoded."""
        waiting = deque(walks)
        while waiting or self._active:
            while waiting and self._free:
                self._begin(waiting.popleft())
            if not self._active:
                continue
            stop_if_cancelled(cancellation)
            slots = list(self._active)
            entries = [self._entry(slot) for slot in slots]
            self._decoded += len(entries)
            for slot, logits in zip(slots, self._core.decode(entries, cancellation), strict=True):
                self._step(slot, logits)
        return self._decoded

    def _begin(self, walk: _Walk) -> None:
        self._append(walk, walk.start.token, walk.start.log_probability)
        if walk.finished or len(walk.tokens) >= self._limit:
            return
        slot = self._free.pop()
        self._core.forget(slot)
        self._core.share(0, slot, 0, walk.position)
        self._active[slot] = walk

    def _entry(self, slot: int) -> Entry:
        walk = self._active[slot]
        return Entry(walk.tokens[-1], walk.position + len(walk.tokens) - 1, slot, True)

    def _step(self, slot: int, logits: Logits) -> None:
        walk = self._active[slot]
        token = int(logits.argmax())
        nats = walk.sums[-1][1] + float(logits[token]) - log_normaliser(logits)
        if self._core.ends(token):
            walk.stream.finish()
            walk.sums.append((len(walk.stream.text), nats))
            walk.ending.done(walk.stream.text, answered=True)
            walk.finished = True
        else:
            self._append(walk, token, nats)
        if walk.finished or len(walk.tokens) >= self._limit:
            del self._active[slot]
            self._free.append(slot)

    def _append(self, walk: _Walk, token: int, nats: float) -> None:
        walk.tokens.append(token)
        walk.stream.push(self._core.piece(token))
        text = walk.stream.text
        walk.sums.append((len(text), nats))
        over = walk.ending.done(text)
        walk.finished = over or (nats < _HOPELESS and bool(walk.ending.cuts))


def _distinct(
    forced: _Forced, query: BranchQuery, walks: Iterable[_Walk], told: Mapping[int, float]
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


def _paths(forced: _Forced, walk: _Walk, told: Mapping[int, float]) -> Iterator[BranchPath]:
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
