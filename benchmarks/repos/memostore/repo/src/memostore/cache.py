"""A mapping of limited weight."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from memostore.entry import Entry
from memostore.stats import Stats

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
D = TypeVar("D")


class Cache(Generic[K, V]):
    """Keeps at most `capacity` in weight; the least recently used entries go first.

    `ttl` is how many seconds an entry stays fresh. An entry weighs 1 unless `weigh` says
    otherwise; one that is heavier than the whole cache is not kept.
    """

    def __init__(
        self,
        capacity: int,
        *,
        ttl: float | None = None,
        weigh: Callable[[V], int] = lambda value: 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if capacity <= 0:
            raise ValueError("a cache needs a capacity above zero")
        self.capacity = capacity
        self.ttl = ttl
        self.stats = Stats()
        self.weight = 0
        self._weigh = weigh
        self._clock = clock
        self._entries: OrderedDict[K, Entry[V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[K]:
        """Keys, least recently used first."""
        return iter(list(self._entries))

    def __contains__(self, key: object) -> bool:
        """Whether a fresh entry is there; asking is not using."""
        entry = self._entries.get(key)  # type: ignore[arg-type]
        return entry is not None and entry.fresh(self._clock())

    def get(self, key: K, default: D | None = None) -> V | D | None:
        """The value of a key, which becomes the most recently used."""
        entry = self._entries.get(key)
        if entry is not None and not entry.fresh(self._clock()):
            del self._entries[key]
            self.stats.expirations += 1
            entry = None
        if entry is None:
            self.stats.misses += 1
            return default
        self.stats.hits += 1
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V) -> None:
        """Keep a value, in place of an older one of the same key."""
        weight = self._weigh(value)
        self.discard(key)
        if weight > self.capacity:
            return
        expires = None if self.ttl is None else self._clock() + self.ttl
        self._entries[key] = Entry(value, weight, expires)
        self.weight += weight
        self._shrink()

    def discard(self, key: K) -> bool:
        """Forget a key; False when it was not there."""
        if key not in self._entries:
            return False
        self._remove(key)
        return True

    def prune(self) -> int:
        """Forget what has expired and return how many entries that were."""
        now = self._clock()
        stale = [key for key, entry in self._entries.items() if not entry.fresh(now)]
        for key in stale:
            del self._entries[key]
        self.stats.expirations += len(stale)
        return len(stale)

    def resize(self, capacity: int) -> None:
        if capacity <= 0:
            raise ValueError("a cache needs a capacity above zero")
        self.capacity = capacity
        self._shrink()

    def clear(self) -> None:
        self._entries.clear()
        self.weight = 0
        self.stats.reset()

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key)
        self.weight -= entry.weight

    def _shrink(self) -> None:
        while self.weight > self.capacity:
            self._remove(next(iter(self._entries)))
            self.stats.evictions += 1
