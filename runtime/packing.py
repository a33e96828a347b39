"""Continuations of one text, run side by side in full batches for the sake of their logits."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from runtime.core import ROWS, Entry, Steps
from runtime.lane import Seat
from runtime.sampling import Logits

TakeNext = Callable[[int, int, Logits], None]
"""Called with a continuation's index, the token that does come next, and the logits for it."""


class Packer:
    """Each continuation gets a sequence of its own behind the first tokens of the seat's."""

    def __init__(
        self,
        seat: Seat,
        starts: Sequence[int],
        continuations: Sequence[Sequence[int]],
        take: TakeNext,
    ) -> None:
        """``starts``: how many tokens are in front of each continuation."""
        self._seat = seat
        self._starts = starts
        self._continuations = continuations
        self._take = take
        self._used = 0
        self._entries: list[Entry] = []
        self._expected: list[tuple[int, int]] = []

    def steps(self) -> Steps[None]:
        """Run all; ``take`` sees every token of a continuation but its first."""
        most = min(ROWS, self._seat.core.batch)
        slots = self._seat.slots
        for index, tokens in enumerate(self._continuations):
            if len(tokens) < 2:
                continue
            if self._used == len(slots) or (
                self._entries and len(self._entries) + len(tokens) - 1 > most
            ):
                yield from self._restart()
            slot = slots[self._used]
            self._used += 1
            start = self._starts[index]
            self._seat.share(slot, start)
            for place, (token, following) in enumerate(pairwise(tokens)):
                if len(self._entries) == most:
                    yield from self._flush()
                self._entries.append(Entry(token, start + place, slot, True))
                self._expected.append((index, following))
        yield from self._restart()

    def _restart(self) -> Steps[None]:
        yield from self._flush()
        for slot in self._seat.slots[: self._used]:
            self._seat.core.forget(slot)
        self._used = 0

    def _flush(self) -> Steps[None]:
        if not self._entries:
            return
        rows = yield list(self._entries)
        for (index, following), logits in zip(self._expected, rows, strict=True):
            self._take(index, following, logits)
        self._entries.clear()
        self._expected.clear()
