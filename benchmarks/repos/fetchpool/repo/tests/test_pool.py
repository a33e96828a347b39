import asyncio

import pytest

from fetchpool import Backoff, GaveUp, MemoryStore, Pool, Progress, Result, Temporary, retrying


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 2))


def test_results_are_in_order(web) -> None:
    web.delays["http://a.test/p"] = 9
    urls = [f"http://a.test/{name}" for name in "pqr"]
    results = run(Pool(web.fetch, MemoryStore()).fetch_all(urls))
    assert results == [Result(url, url[-1].encode()) for url in urls]


def test_nothing_to_do(web) -> None:
    assert run(Pool(web.fetch, MemoryStore()).fetch_all([])) == []


def test_progress(web) -> None:
    seen = []
    pool = Pool(web.fetch, MemoryStore(), on_progress=seen.append)
    run(pool.fetch_all(["http://a.test/p", "http://a.test/q"]))
    assert seen == [Progress(1, 2), Progress(2, 2)]


def test_body_is_stored(web) -> None:
    store = MemoryStore()
    run(Pool(web.fetch, store).fetch_one("http://a.test/p"))
    assert store.bodies == {"http://a.test/p": b"p"}


def test_stored_bodies_are_not_fetched(web) -> None:
    store = MemoryStore()
    store.bodies["http://a.test/p"] = b"old"
    result = run(Pool(web.fetch, store).fetch_one("http://a.test/p"))
    assert result == Result("http://a.test/p", b"old", cached=True)
    assert web.requests == []


def test_missing_page(web) -> None:
    result = run(Pool(web.fetch, MemoryStore()).fetch_one("http://a.test/none"))
    assert result.error == "no page http://a.test/none"


def test_limit_per_host(web) -> None:
    pool = Pool(web.fetch, MemoryStore(), per_host=2)
    run(pool.fetch_all([f"http://a.test/{name}" for name in "pqrs"]))
    assert web.most_open == 2


class TestRetry:
    URL = "http://a.test/p"

    def test_waits_longer_each_time(self, web, sleeper) -> None:
        web.failures[self.URL] = 2
        pool = Pool(web.fetch, MemoryStore(), sleep=sleeper)
        assert run(pool.fetch_one(self.URL)) == Result(self.URL, b"p")
        assert sleeper.slept == [0.5, 1.0]

    def test_gives_up(self, web, sleeper) -> None:
        web.failures[self.URL] = 9
        pool = Pool(web.fetch, MemoryStore(), backoff=Backoff(2), sleep=sleeper)
        assert run(pool.fetch_one(self.URL)).error == "failed 2 times: busy"
        assert len(web.requests) == 2

    def test_other_errors_are_raised_at_once(self, sleeper) -> None:
        async def broken() -> bytes:
            raise KeyError("x")

        with pytest.raises(KeyError):
            run(retrying(broken, Backoff(), sleeper))
        assert sleeper.slept == []

    def test_cause(self, sleeper) -> None:
        async def busy() -> bytes:
            raise Temporary("busy")

        with pytest.raises(GaveUp) as caught:
            run(retrying(busy, Backoff(1), sleeper))
        assert isinstance(caught.value.__cause__, Temporary)


@pytest.mark.parametrize(
    ("attempt", "asked", "seconds"),
    [(1, None, 1), (3, None, 9), (9, None, 20), (1, 5, 5), (1, 60, 20)],
)
def test_backoff(attempt: int, asked: float | None, seconds: float) -> None:
    assert Backoff(first=1, factor=3, longest=20).wait(attempt, asked) == seconds
