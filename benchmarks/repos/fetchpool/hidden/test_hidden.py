import asyncio

from fetchpool import Backoff, Limiter, MemoryStore, Pool


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 2))


def test_results_follow_the_addresses_whatever_is_fastest(web) -> None:
    urls = [f"http://a.test/{name}" for name in "srqp"]
    web.delays = {url: 20 - 5 * index for index, url in enumerate(urls)}
    pool = Pool(web.fetch, MemoryStore(), per_host=4)
    assert [result.url for result in run(pool.fetch_all(urls))] == urls


def test_stored_and_missing_ones_keep_their_places(web) -> None:
    store = MemoryStore()
    store.bodies["http://a.test/r"] = b"kept"
    urls = ["http://a.test/p", "http://a.test/none", "http://a.test/r"]
    results = run(Pool(web.fetch, store).fetch_all(urls))
    assert [result.body for result in results] == [b"p", None, b"kept"]


def test_second_run_fetches_nothing(web) -> None:
    pool = Pool(web.fetch, MemoryStore())

    async def main() -> list[bool]:
        await pool.fetch_one("http://a.test/p")
        return [(await pool.fetch_one("http://a.test/p")).cached]

    assert run(main()) == [True]
    assert web.requests == ["http://a.test/p"]


def test_errors_do_not_use_up_permits(web, sleeper) -> None:
    pool = Pool(web.fetch, MemoryStore(), per_host=1, backoff=Backoff(1), sleep=sleeper)
    urls = [f"http://a.test/missing{number}" for number in range(4)] + ["http://a.test/q"]
    results = run(pool.fetch_all(urls))
    assert results[-1].body == b"q"
    assert pool.limiter.busy["a.test"] == 0


def test_cancelled_work_frees_its_permit() -> None:
    async def main() -> int:
        limiter = Limiter(1)

        async def hold() -> None:
            async with limiter.permit("a"):
                await asyncio.sleep(60)

        task = asyncio.create_task(hold())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return limiter.busy["a"]

    assert run(main()) == 0
