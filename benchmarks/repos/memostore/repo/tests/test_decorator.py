import pytest

from memostore import memoise


@pytest.fixture
def calls() -> list[object]:
    return []


def test_calls_once(calls: list[object]) -> None:
    @memoise()
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    assert [double(2), double(3), double(2)] == [4, 6, 4]
    assert calls == [2, 3]


def test_none_is_kept_too(calls: list[object]) -> None:
    @memoise()
    def nothing() -> None:
        calls.append(1)

    nothing()
    nothing()
    assert calls == [1]


def test_keywords(calls: list[object]) -> None:
    @memoise()
    def power(base: int, *, exponent: int = 2) -> int:
        calls.append((base, exponent))
        return base**exponent

    assert power(3, exponent=2) == 9
    assert power(3, exponent=3) == 27
    assert power(3, exponent=3) == 27
    assert len(calls) == 2


def test_exceptions_are_not_kept(calls: list[object]) -> None:
    @memoise()
    def fail() -> None:
        calls.append(1)
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            fail()
    assert calls == [1, 1]


def test_name_and_cache() -> None:
    @memoise(2)
    def named(number: int) -> int:
        return number

    assert named.__name__ == "named"
    assert [named(number) for number in (1, 2, 3)] == [1, 2, 3]
    assert named.cache.stats.evictions == 1
