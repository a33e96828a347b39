"""One context shared by requests: who holds which sequences and cells, and what is known already.

A request gets a ``Seat``: a base sequence with its prompt, and slots for its samples. A seat is
only given if everything it may grow to fits, so a request that runs never meets a full cache.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from runtime.core import ROWS, STABLE, Core, Entry, State, Steps, common
from runtime.prefix_cache import Piece, PrefixCache
from runtime.prefix_files import PrefixFiles
from runtime.sampling import Logits

# While others decode, a prompt is read in pieces of this size, or their next token would wait
# for seconds.
SHARED_CHUNK = 128
# Sequence in which states are saved and loaded.
_DESK = 0

Take = Callable[[int, Logits], None]
"""Called with the index of a token and the logits for what comes after it."""


@dataclass(frozen=True)
class Need:
    """What a job may come to hold: the ``tokens`` of its prompt, then up to ``width`` sequences
    that share them, each growing by ``growth`` tokens. Without ``width`` the prompt's own
    sequence grows by as much."""

    tokens: Sequence[int]
    growth: int
    width: int = 0

    def cells(self, width: int) -> int:
        """With so many sequences."""
        return len(self.tokens) + max(1, width) * self.growth


@dataclass(eq=False)
class Holding:
    """The sequence ``base`` holds the cells of ``tokens``: ``prompt`` of them were asked for, the
    others generated. The first ``stable`` have the bits that any batch would have given them."""

    owner: str
    base: int
    prompt: int
    tokens: list[int] = field(default_factory=list)
    stable: int = 0

    def goes_on(self, shared: int) -> bool:
        """Whether a prompt that shares so many tokens is a next turn: it holds the whole answer."""
        return self.prompt < shared == len(self.tokens)


class Seat(Holding):
    """What one running request holds of a lane."""

    def __init__(
        self, lane: "Lane", owner: str, base: int, slots: tuple[int, ...], need: Need
    ) -> None:
        super().__init__(owner, base, len(need.tokens))
        self.core: Core = lane.core
        self.slots = slots
        self.cells = need.cells(len(slots))
        self.reused = 0
        """Tokens that were known when the request came."""
        self._lane = lane

    def reuse(self, tokens: Sequence[int], wanted_from: int, *, stable: bool) -> int:
        """Fill the base sequence with what is known of ``tokens``; returns how many.

        Token ``wanted_from`` and those after it are always run again, for their logits; so are
        the last ones, to have the same bits with and without a cached prefix. ``stable``: reuse
        nothing that was decoded token by token; otherwise the next turn of a conversation goes
        on right behind the answer, which has no such bits, and runs what is new only.
        """
        self._lane.place(self, tokens, min(wanted_from, len(tokens)), stable=stable)
        return len(self.tokens)

    def read(self, tokens: Sequence[int], wanted_from: int, take: Take) -> Steps[None]:
        """Decode the rest of ``tokens`` in chunks; ``take`` gets the logits from
        ``wanted_from`` on."""
        while (start := len(self.tokens)) < len(tokens):
            first = max(start, wanted_from)
            end = self._chunk_end(start, first, len(tokens))
            rows = yield [
                Entry(tokens[at], at, self.base, at >= wanted_from) for at in range(start, end)
            ]
            self.tokens.extend(tokens[start:end])
            if end - start >= STABLE and self.stable == start:
                self.stable = end
            for index, logits in zip(range(first, end), rows, strict=False):
                take(index, logits)

    def share(self, slot: int, end: int) -> None:
        """Let a slot begin with the first ``end`` tokens of the base sequence."""
        self.core.forget(slot)
        self.core.share(self.base, slot, 0, end)

    def _chunk_end(self, start: int, first: int, total: int) -> int:
        """Where the chunk from ``start`` ends, so that no small one is left for the end."""
        most = self._lane.chunk
        end = min(total, start + most, first + ROWS)
        if total - end == 0 or total - end >= STABLE:
            return end
        fits = total - start <= self.core.batch and total - first <= ROWS
        return total if fits else total - STABLE


class Lane:
    """Seats on one core. ``exclusive``: one request at a time, always laid out in the same way."""

    def __init__(
        self,
        core: Core,
        cache: PrefixCache,
        *,
        exclusive: bool = False,
        files: PrefixFiles | None = None,
    ) -> None:
        self.core = core
        self._cache = cache
        self._files = files
        self._exclusive = exclusive
        self._free = list(range(core.sequences - 1, _DESK, -1))
        self._seats: list[Seat] = []
        self._residents: list[Holding] = []
        """Base sequences of requests that have ended, the oldest first, as long as nobody needs
        their place."""
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self.disk_tokens = 0
        """Of the cached ones, those that an earlier run had left on disk."""

    @property
    def chunk(self) -> int:
        """How many tokens of a prompt may be read at once."""
        return self.core.batch if len(self._seats) < 2 else min(SHARED_CHUNK, self.core.batch)

    @property
    def reserved(self) -> int:
        """Cells that the running requests may come to hold."""
        return sum(seat.cells for seat in self._seats)

    def admit(self, owner: str, need: Need) -> Seat | None:
        """A seat, or None until others have left."""
        if self._exclusive and self._seats:
            return None
        cells = self.core.cells - self.reserved
        sequences = len(self._free) + len(self._residents) - 1
        if need.cells(1) > cells or sequences < min(1, need.width):
            return None
        width = min(need.width, sequences)
        if width:
            width = max(1, min(width, (cells - len(need.tokens)) // max(1, need.growth)))
        while len(self._free) < 1 + width:
            self._evict(self._residents[0])
        base, slots = self._free.pop(), tuple(self._free.pop() for _ in range(width))
        seat = Seat(self, owner, base, slots, need)
        self._seats.append(seat)
        while self._residents and self._resident > self.core.cells - self.reserved:
            self._evict(self._residents[0])
        return seat

    def leave(self, seat: Seat) -> None:
        """Take a seat back, after failures too; keeps what is known to be whole."""
        self._seats.remove(seat)
        for slot in seat.slots:
            self.core.forget(slot)
            self._free.append(slot)
        self.core.forget(seat.base, len(seat.tokens))
        self._cache.insert(
            self._root(seat.owner),
            seat.tokens,
            seat.stable,
            lambda start, end: self._save(seat.base, start, end),
        )
        self._keep(seat)
        resident = Holding(seat.owner, seat.base, seat.prompt, seat.tokens, seat.stable)
        self._residents.append(resident)
        if self._exclusive or not seat.tokens:
            self._evict(resident)

    def place(self, seat: Seat, tokens: Sequence[int], most: int, *, stable: bool) -> None:
        """Fill the base sequence of ``seat`` with what is known of the first ``most`` tokens.

        The last STABLE of a prompt are run again, so that its logits have the bits of a cold run;
        only a prompt that goes on from a whole answer keeps all, as that was decoded one by one.
        """
        stable = stable or self._exclusive
        alone = len(self._seats) == 1
        whole = most if most == len(tokens) else max(0, min(most, len(tokens) - STABLE))
        near, shared = self._nearest(seat, tokens[:most], stable=stable)
        if near is None or stable or not near.goes_on(shared):
            most, shared = whole, min(shared, whole)
        found = self._cache.find(self._root(seat.owner), tokens[:most], stable=stable)
        if near is not None and (not alone or shared >= found.known):
            self.core.share(near.base, seat.base, 0, shared)
            seat.tokens, seat.stable = list(tokens[:shared]), min(shared, near.stable)
        if alone:
            # Others' cells would only stand between these, and make every decode slower.
            for resident in list(self._residents):
                self._evict(resident)
        if found.known > len(seat.tokens):
            self._restore(seat, tokens, found.pieces)
            seat.stable = min(found.stable, len(seat.tokens))
        self._fetch(seat, tokens[:whole])
        seat.reused = len(seat.tokens)
        self.prompt_tokens += len(tokens)
        self.cached_tokens += len(seat.tokens)

    def close(self) -> None:
        """Free the context."""
        self.core.close()

    def _root(self, owner: str) -> str:
        # What was computed beside others is not the same to the last bit.
        return f"exclusive {owner}" if self._exclusive else f"shared {owner}"

    def _nearest(
        self, seat: Seat, tokens: Sequence[int], *, stable: bool
    ) -> tuple[Holding | None, int]:
        """Whose sequence shares most with ``tokens``, and how much."""
        best: Holding | None = None
        most = 0
        for other in [*self._residents, *self._seats]:
            if other is seat or other.owner != seat.owner:
                continue
            shared = common(other.tokens, tokens)
            shared = min(shared, other.stable) if stable else shared
            if shared > most:
                best, most = other, shared
        return best, most

    def _fetch(self, seat: Seat, tokens: Sequence[int]) -> None:
        """Add what earlier runs left on disk."""
        if self._files is None or not seat.owner:
            return
        known = len(seat.tokens)
        self._restore(seat, tokens, self._files.find(self._root(seat.owner), tokens, known))
        if seat.stable == known:
            seat.stable = len(seat.tokens)
        self.disk_tokens += len(seat.tokens) - known

    def _keep(self, seat: Seat) -> None:
        """Leave on disk what was asked for a second time; most prompts never are."""
        if self._files is None or not seat.owner:
            return
        again = seat.tokens[: min(seat.reused, seat.stable)]
        self._files.keep(
            self._root(seat.owner), again, lambda start, end: self._save(seat.base, start, end)
        )

    def _restore(self, seat: Seat, tokens: Sequence[int], pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            start = max(piece.start, len(seat.tokens))
            if start >= piece.end:
                continue
            if not self.core.load(_DESK, piece.state):
                return
            self.core.share(_DESK, seat.base, start, piece.end)
            self.core.forget(_DESK)
            seat.tokens = list(tokens[: piece.end])

    def _save(self, sequence: int, start: int, end: int) -> State:
        self.core.share(sequence, _DESK, start, end)
        state = self.core.save(_DESK)
        self.core.forget(_DESK)
        return state

    @property
    def _resident(self) -> int:
        return sum(len(resident.tokens) for resident in self._residents)

    def _evict(self, resident: Holding) -> None:
        self._residents.remove(resident)
        self.core.forget(resident.base)
        self._free.append(resident.base)
