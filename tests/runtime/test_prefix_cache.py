"""The tree of prompts read before: exact, bounded, and nobody sees another's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.core import State
from runtime.prefix_cache import PrefixCache

BIG = 1 << 20


def keep(cache: PrefixCache, owner: str, tokens: list[int], stable: int | None = None) -> None:
    """Insert tokens whose states are the tokens themselves."""

    def save(start: int, end: int) -> State:
        return np.array(tokens[start:end], dtype=np.int32).view(np.uint8)

    cache.insert(owner, tokens, len(tokens) if stable is None else stable, save)


def restored(
    cache: PrefixCache, owner: str, tokens: list[int], *, stable: bool = False
) -> list[int]:
    """What the states say, put together as a lane would."""
    found = cache.find(owner, tokens, stable=stable)
    out: list[int] = []
    for piece in found.pieces:
        state = piece.state.view(np.int32)
        # A state may begin before the piece and go on behind it.
        begin = next(s.start for s in saved(cache, owner) if s.state is piece.state)
        out += [int(token) for token in state[piece.start - begin : piece.end - begin]]
        assert len(out) == piece.end
    assert len(out) == found.known
    return out


def saved(cache: PrefixCache, owner: str) -> list[object]:
    nodes, found = [cache._roots[owner]], []
    while nodes:
        node = nodes.pop()
        nodes += node.children.values()
        if node.saved is not None:
            found.append(node.saved)
    return found


def test_the_longest_common_beginning_is_found() -> None:
    cache = PrefixCache(BIG)
    first = list(range(100))
    keep(cache, "a", first)
    keep(cache, "a", first[:60] + list(range(200, 260)))
    assert restored(cache, "a", first[:80] + [7] * 30) == first[:80]
    assert restored(cache, "a", first[:60] + list(range(200, 300))) == [
        *first[:60],
        *range(200, 260),
    ]
    assert restored(cache, "a", [5, 6]) == []


def test_owners_see_nothing_of_each_other() -> None:
    cache = PrefixCache(BIG)
    keep(cache, "a", list(range(100)))
    assert cache.find("b", list(range(100)), stable=False).known == 0
    assert cache.find("a", list(range(100)), stable=False).known == 100


def test_what_was_decoded_token_by_token_is_told_apart() -> None:
    cache = PrefixCache(BIG)
    tokens = list(range(200))
    keep(cache, "a", tokens, stable=100)
    assert cache.find("a", tokens, stable=True).known == 100
    found = cache.find("a", tokens, stable=False)
    assert (found.known, found.stable) == (200, 100)


def test_what_was_used_longest_ago_goes_first() -> None:
    cache = PrefixCache(3 * 400)
    for start in (0, 1000, 2000):
        keep(cache, "a", list(range(start, start + 100)))
    assert cache.find("a", list(range(100)), stable=False).known == 100
    keep(cache, "a", list(range(3000, 3100)))
    known = [
        cache.find("a", list(range(start, start + 100)), stable=False).known
        for start in (0, 1000, 2000, 3000)
    ]
    assert known == [100, 0, 100, 100]
    assert cache.held <= cache.capacity


@pytest.mark.parametrize("capacity", [0, 100])
def test_too_little_memory_keeps_nothing(capacity: int) -> None:
    cache = PrefixCache(capacity)
    keep(cache, "a", list(range(100)))
    assert cache.held == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.lists(st.integers(0, 2), max_size=6), st.integers(0, 250)
        ),
        max_size=25,
    ),
    st.integers(400, 4000),
)
def test_what_is_found_is_what_was_kept(
    prompts: list[tuple[str, list[int], int]], capacity: int
) -> None:
    cache = PrefixCache(capacity)
    for owner, choices, stable in prompts:
        tokens = [choice for choice in choices for _ in range(40)]
        assert (
            restored(cache, owner, tokens) == tokens[: len(restored(cache, owner, tokens))]
            if owner in cache._roots
            else True
        )
        keep(cache, owner, tokens, min(stable, len(tokens)))
        assert restored(cache, owner, tokens) == tokens[: len(restored(cache, owner, tokens))]
        assert cache.held == sum(
            {id(s): len(s.state) for o in cache._roots for s in saved(cache, o)}.values()
        )
        assert cache.held <= capacity
