"""A model without weights: what comes next is a hash of every token before it.

It keeps the cells of each sequence, so a result is right only if whoever shares, forgets, saves
and loads sequences does it right.
"""

import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from runtime.core import Aborted, CacheFull, Entry, State
from runtime.sampling import Logits

VOCABULARY = 64
END = 0


class Letters:
    """A token for each letter; 0 ends an answer."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        return [1 + ord(letter) % (VOCABULARY - 1) for letter in text]

    def piece(self, token: int) -> bytes:
        return b"" if token == END else bytes([32 + token])

    def ends(self, token: int) -> bool:
        return token == END


@dataclass
class FakeCore:
    """Counts what it runs; ``on_decode`` sees every batch first and may abort it."""

    context: int = 400
    cells: int = 1000
    sequences: int = 20
    batch: int = 128
    on_decode: Callable[[Sequence[Entry]], None] | None = None
    batches: list[int] = field(default_factory=list)
    held: dict[int, dict[int, int]] = field(default_factory=dict)
    aborted: threading.Event = field(default_factory=threading.Event)

    def decode(self, entries: Sequence[Entry]) -> list[Logits]:
        assert 0 < len(entries) <= self.batch
        if self.on_decode is not None:
            self.on_decode(entries)
        self.batches.append(len(entries))
        rows = []
        for entry in entries:
            tokens = self.held.setdefault(entry.sequence, {})
            assert entry.position not in tokens, "the cell is taken already"
            assert entry.position == len(tokens), "a gap before the token"
            tokens[entry.position] = entry.token
            if entry.wanted:
                rows.append(row([tokens[at] for at in range(len(tokens))]))
        if self.aborted.is_set():
            self.aborted.clear()
            raise Aborted
        if self.used > self.cells:
            raise CacheFull("the key-value cache is full")
        return rows

    @property
    def used(self) -> int:
        """Cells in use, if nothing were shared but whole prompts: an upper bound."""
        seen = set()
        for tokens in self.held.values():
            text: tuple[int, ...] = ()
            for position in sorted(tokens):
                text += (tokens[position],)
                seen.add((position, hash(text)))
        return len(seen)

    def abort(self) -> None:
        self.aborted.set()

    def share(self, source: int, target: int, start: int, end: int) -> None:
        cells = self.held.get(source, {})
        taken = {at: token for at, token in cells.items() if start <= at < end}
        assert len(taken) == end - start, "shares what is not there"
        self.held.setdefault(target, {}).update(taken)

    def forget(self, sequence: int, start: int = 0) -> None:
        cells = self.held.get(sequence, {})
        self.held[sequence] = {at: token for at, token in cells.items() if at < start}

    def save(self, sequence: int) -> State:
        cells = sorted(self.held.get(sequence, {}).items())
        return np.array(cells, dtype=np.int32).reshape(-1).view(np.uint8)

    def load(self, sequence: int, state: State) -> bool:
        cells = state.view(np.int32).reshape(-1, 2)
        self.held[sequence] = {int(at): int(token) for at, token in cells}
        return True

    def close(self) -> None:
        self.held.clear()


def row(tokens: Sequence[int]) -> Logits:
    """The logits after some tokens."""
    seed = zlib.crc32(bytes(tokens))
    logits = np.random.default_rng(seed).normal(0, 2, VOCABULARY).astype(np.float32)
    logits[END] -= 2
    return logits


def greedy(prompt: Sequence[int], count: int) -> list[int]:
    """The tokens that such a model writes."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + count:
        token = int(row(tokens).argmax())
        if token == END:
            break
        tokens.append(token)
    return tokens[len(prompt) :]
