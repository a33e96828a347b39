import pytest

from memostore import Cache


@pytest.fixture
def full() -> Cache[str, int]:
    cache: Cache[str, int] = Cache(3)
    for number, key in enumerate("abc"):
        cache.put(key, number)
    return cache


def test_capacity_must_be_positive() -> None:
    with pytest.raises(ValueError, match="capacity"):
        Cache(0)


def test_get(full: Cache[str, int]) -> None:
    assert full.get("b") == 1
    assert full.get("x") is None
    assert full.get("x", 7) == 7
    assert (full.stats.hits, full.stats.misses) == (1, 2)


def test_oldest_goes_first(full: Cache[str, int]) -> None:
    full.put("d", 3)
    assert list(full) == ["b", "c", "d"]
    assert full.stats.evictions == 1


def test_reading_is_using(full: Cache[str, int]) -> None:
    full.get("a")
    full.put("d", 3)
    assert list(full) == ["c", "a", "d"]


def test_asking_is_not_using(full: Cache[str, int]) -> None:
    assert "a" in full
    full.put("d", 3)
    assert "a" not in full


def test_put_replaces(full: Cache[str, int]) -> None:
    full.put("b", 9)
    assert (full.get("b"), len(full), full.weight) == (9, 3, 3)


class TestWeight:
    @pytest.fixture
    def texts(self) -> Cache[str, str]:
        return Cache(10, weigh=len)

    def test_light_ones_go_for_a_heavy_one(self, texts: Cache[str, str]) -> None:
        for key in ("aaa", "bbb", "ccc"):
            texts.put(key, key)
        texts.put("d", "d" * 5)
        assert list(texts) == ["ccc", "d"]
        assert texts.weight == 8

    def test_too_heavy(self, texts: Cache[str, str]) -> None:
        texts.put("a", "short")
        texts.put("b", "much too heavy")
        assert list(texts) == ["a"]

    def test_replaced_by_a_heavier_one(self, texts: Cache[str, str]) -> None:
        texts.put("a", "aa")
        texts.put("b", "bb")
        texts.put("a", "a" * 6)
        assert (list(texts), texts.weight) == (["b", "a"], 8)

    def test_resize(self, texts: Cache[str, str]) -> None:
        texts.put("a", "aaaa")
        texts.put("b", "bbbb")
        texts.resize(5)
        assert (list(texts), texts.weight) == (["b"], 4)

    def test_clear(self, texts: Cache[str, str]) -> None:
        texts.put("a", "aaaa")
        texts.clear()
        assert (len(texts), texts.weight) == (0, 0)


class TestExpiry:
    def test_entries_expire(self, clock) -> None:
        cache: Cache[str, int] = Cache(2, ttl=5, clock=clock)
        cache.put("a", 1)
        clock.advance(4)
        assert cache.get("a") == 1
        clock.advance(1)
        assert cache.get("a") is None
        assert (cache.stats.expirations, cache.weight) == (1, 0)

    def test_expired_entries_weigh_nothing(self, clock) -> None:
        cache: Cache[str, int] = Cache(2, ttl=5, clock=clock)
        cache.put("a", 1)
        cache.put("b", 2)
        clock.advance(3)
        cache.put("b", 3)
        clock.advance(3)
        assert cache.prune() == 1
        assert (list(cache), cache.weight) == (["b"], 1)
