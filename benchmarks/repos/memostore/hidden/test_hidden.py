import pytest

from memostore import Cache, memoise
from memostore.decorator import call_key


def test_keyword_order_does_not_matter() -> None:
    assert call_key((1,), {"a": 1, "b": 2}) == call_key((1,), {"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("one", "other"), [({"a": 1}, {"a": 2}), ({"a": 1}, {"b": 1}), ({}, {"a": 1})]
)
def test_keywords_tell_calls_apart(one: dict[str, int], other: dict[str, int]) -> None:
    assert call_key((), one) != call_key((), other)


def test_key_is_hashable() -> None:
    assert hash(call_key((1, "x"), {"y": 2.0})) == hash(call_key((1, "x"), {"y": 2.0}))


def test_memoised_keywords_in_any_order() -> None:
    calls = []

    @memoise()
    def area(*, width: int, height: int) -> int:
        calls.append((width, height))
        return width * height

    assert area(width=2, height=3) == area(height=3, width=2) == 6
    assert area(width=3, height=3) == 9
    assert calls == [(2, 3), (3, 3)]


def test_weight_after_discarding() -> None:
    cache: Cache[str, str] = Cache(10, weigh=len)
    cache.put("a", "aaaaaa")
    assert cache.discard("a")
    assert cache.weight == 0
    cache.put("b", "bbbb")
    cache.put("c", "cccccc")
    assert list(cache) == ["b", "c"]


def test_weight_after_many_evictions() -> None:
    cache: Cache[int, str] = Cache(7, weigh=len)
    for number in range(20):
        cache.put(number, "xx")
    assert (len(cache), cache.weight, cache.stats.evictions) == (3, 6, 17)


def test_weight_after_expiry(clock) -> None:
    cache: Cache[str, str] = Cache(5, ttl=1, weigh=len, clock=clock)
    cache.put("a", "aaaaa")
    clock.advance(2)
    assert cache.get("a") is None
    assert cache.weight == 0


def test_each_read_counts() -> None:
    cache: Cache[str, int] = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
