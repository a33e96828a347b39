"""Follows branches greedily, each to the end of its line or block, many in one batch."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from runtime.branch_end import Ending
from runtime.core import Entry, Steps, Vocabulary
from runtime.engine_api import BranchQuery
from runtime.lane import Seat
from runtime.sampling import Logits, log_normaliser
from runtime.text_stream import TextStream

_HOPELESS = -9.0
"""Nats below which a branch does not go on behind its first line. Without a floor, branches of
several lines decode four times the tokens; the right ones were above -7.5 (measured)."""


@dataclass(frozen=True)
class Start:
    """An alternative first token: where it would stand and how likely it is (nats)."""

    log_probability: float
    index: int
    token: int


@dataclass
class Walk:
    """One branch while it is decoded."""

    start: Start
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


class Walker:
    """Decodes branches to their stop, refilling each slot as soon as its branch ends."""

    def __init__(self, vocabulary: Vocabulary, seat: Seat, query: BranchQuery) -> None:
        self._vocabulary = vocabulary
        self._seat = seat
        self._limit = query.max_tokens
        self._free = list(reversed(seat.slots))
        self._active: dict[int, Walk] = {}
        self.decoded = 0
        """Tokens run so far."""

    def steps(self, walks: Iterable[Walk]) -> Steps[None]:
        """Decode all of them."""
        waiting = deque(walks)
        while waiting or self._active:
            while waiting and self._free:
                self._begin(waiting.popleft())
            if not self._active:
                continue
            slots = list(self._active)
            rows = yield [self._entry(slot) for slot in slots]
            self.decoded += len(slots)
            for slot, logits in zip(slots, rows, strict=True):
                self._step(slot, logits)

    def _begin(self, walk: Walk) -> None:
        self._append(walk, walk.start.token, walk.start.log_probability)
        if walk.finished or len(walk.tokens) >= self._limit:
            return
        slot = self._free.pop()
        self._seat.share(slot, walk.position)
        self._active[slot] = walk

    def _entry(self, slot: int) -> Entry:
        walk = self._active[slot]
        return Entry(walk.tokens[-1], walk.position + len(walk.tokens) - 1, slot, True)

    def _step(self, slot: int, logits: Logits) -> None:
        walk = self._active[slot]
        token = int(logits.argmax())
        nats = walk.sums[-1][1] + float(logits[token]) - log_normaliser(logits)
        if self._vocabulary.ends(token):
            walk.stream.finish()
            walk.sums.append((len(walk.stream.text), nats))
            walk.ending.done(walk.stream.text, answered=True)
            walk.finished = True
        else:
            self._append(walk, token, nats)
        if walk.finished or len(walk.tokens) >= self._limit:
            del self._active[slot]
            self._free.append(slot)

    def _append(self, walk: Walk, token: int, nats: float) -> None:
        walk.tokens.append(token)
        walk.stream.push(self._vocabulary.piece(token))
        text = walk.stream.text
        walk.sums.append((len(text), nats))
        over = walk.ending.done(text)
        walk.finished = over or (nats < _HOPELESS and bool(walk.ending.cuts))
