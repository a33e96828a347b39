import asyncio

import pytest

from fetchpool import Limiter


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 2))


def test_limit_is_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Limiter(0)


@pytest.mark.parametrize(("limit", "tasks", "most"), [(1, 4, 1), (2, 5, 2), (3, 2, 2)])
def test_no_more_than_the_limit_at_once(limit: int, tasks: int, most: int) -> None:
    async def main() -> int:
        limiter, seen = Limiter(limit), []

        async def work() -> None:
            async with limiter.permit("a"):
                seen.append(limiter.busy["a"])
                await asyncio.sleep(0)

        await asyncio.gather(*(work() for _ in range(tasks)))
        return max(seen)

    assert run(main()) == most


def test_hosts_do_not_wait_for_each_other() -> None:
    async def main() -> dict[str, int]:
        limiter = Limiter(1)
        async with limiter.permit("a"), limiter.permit("b"):
            return dict(limiter.busy)

    assert run(main()) == {"a": 1, "b": 1}


def test_an_error_frees_the_permit() -> None:
    async def main() -> int:
        limiter = Limiter(1)
        with pytest.raises(RuntimeError):
            async with limiter.permit("a"):
                raise RuntimeError
        return limiter.busy["a"]

    assert run(main()) == 0
