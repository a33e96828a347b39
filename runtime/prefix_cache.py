"""Prompts that were read before, kept in host memory: a radix tree over token ids.

Each node holds the cells of the tokens on the edge that leads to it, in llama.cpp's own format.
The tree belongs to one loaded model with one shape of context, so the states fit whoever finds
them; every owner (bearer token) has a root of its own and never sees another's. What was used
longest ago goes first when the memory is full.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from runtime.core import State, common

# Shorter pieces are read again sooner than they are looked up.
_SHORTEST = 32


@dataclass
class _Saved:
    """Cells of the tokens from ``start`` on; nodes that were split share one."""

    start: int
    state: State
    nodes: int = 1


@dataclass
class _Node:
    """``tokens`` on the edge from the parent, whose cells are somewhere in ``saved``."""

    tokens: tuple[int, ...]
    start: int
    saved: _Saved | None
    stable: bool
    parent: "_Node | None" = None
    used: int = 0
    children: dict[int, "_Node"] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """Position behind the last token."""
        return self.start + len(self.tokens)


@dataclass(frozen=True)
class Piece:
    """Load ``state`` and keep its positions ``start`` to ``end``."""

    state: State
    start: int
    end: int


@dataclass(frozen=True)
class Found:
    """The first ``known`` tokens are in ``pieces``; the first ``stable`` of them have the bits
    that any batch would have given them."""

    known: int
    stable: int
    pieces: tuple[Piece, ...]


class PrefixCache:
    """At most ``capacity`` bytes of states."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held = 0
        """Bytes of states."""
        self._roots: dict[str, _Node] = {}
        self._clock = 0

    def find(self, owner: str, tokens: Sequence[int], *, stable: bool) -> Found:
        """What is known of the tokens; ``stable``: only what always has the same bits."""
        pieces: list[Piece] = []
        known = steady = 0
        for node, shared in self._walk(owner, tokens):
            if node.saved is None or (stable and not node.stable):
                break
            self._clock += 1
            node.used = self._clock
            steady = node.start + shared if node.stable and steady == node.start else steady
            known = node.start + shared
            pieces.append(Piece(node.saved.state, node.start, known))
        return Found(known, steady, tuple(pieces))

    def insert(
        self,
        owner: str,
        tokens: Sequence[int],
        stable: int,
        save: Callable[[int, int], State | None],
    ) -> None:
        """Keep the tokens; the first ``stable`` of them always have the same bits.

        ``save`` gives the cells of a range of positions.
        """
        for end in (stable, len(tokens)):
            known, parent = self._reach(owner, tokens[:end])
            if end - known < _SHORTEST:
                continue
            state = save(known, end)
            if state is None or not self._make_room(len(state), parent):
                return
            self.held += len(state)
            if known < parent.end:
                parent = self._split(parent, known - parent.start)
            self._clock += 1
            node = _Node(
                tuple(tokens[known:end]), known, _Saved(known, state), end <= stable, parent
            )
            node.used = self._clock
            parent.children[tokens[known]] = node

    def clear(self) -> None:
        """Forget everything."""
        self._roots.clear()
        self.held = 0

    def _walk(self, owner: str, tokens: Sequence[int]) -> Iterator[tuple[_Node, int]]:
        """The nodes along ``tokens`` with how many tokens of each edge match."""
        node = self._roots.get(owner)
        at = 0
        while node is not None and at < len(tokens):
            node = node.children.get(tokens[at])
            if node is None:
                return
            shared = common(node.tokens, tokens[at : at + len(node.tokens)])
            yield node, shared
            at += shared
            if shared < len(node.tokens):
                return

    def _reach(self, owner: str, tokens: Sequence[int]) -> tuple[int, _Node]:
        """How many tokens are known, and the node in or behind which they end."""
        known, last = 0, self._roots.setdefault(owner, _Node((), 0, None, stable=True))
        for node, shared in self._walk(owner, tokens):
            known, last = node.start + shared, node
        return known, last

    def _split(self, node: _Node, at: int) -> _Node:
        """Cut an edge in two; returns the upper half. Both halves share the state."""
        assert node.parent is not None
        assert node.saved is not None
        node.saved.nodes += 1
        upper = _Node(node.tokens[:at], node.start, node.saved, node.stable, node.parent, node.used)
        node.parent.children[node.tokens[0]] = upper
        node.tokens, node.start, node.parent = node.tokens[at:], node.start + at, upper
        upper.children[node.tokens[0]] = node
        return upper

    def _make_room(self, size: int, keep: _Node) -> bool:
        """Drop what was used longest ago until ``size`` more bytes fit; whether they do."""
        if size > self.capacity:
            return False
        kept = set()
        above: _Node | None = keep
        while above is not None:
            kept.add(id(above))
            above = above.parent
        while self.held + size > self.capacity:
            leaves = [leaf for root in self._roots.values() for leaf in _leaves(root)]
            free = [leaf for leaf in leaves if leaf.saved is not None and id(leaf) not in kept]
            if not free:
                return False
            self._drop(min(free, key=lambda leaf: leaf.used))
        return True

    def _drop(self, leaf: _Node) -> None:
        assert leaf.parent is not None
        assert leaf.saved is not None
        del leaf.parent.children[leaf.tokens[0]]
        leaf.saved.nodes -= 1
        if leaf.saved.nodes == 0:
            self.held -= len(leaf.saved.state)


def _leaves(node: _Node) -> Iterator[_Node]:
    if not node.children:
        yield node
    for child in node.children.values():
        yield from _leaves(child)
