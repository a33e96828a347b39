"""What a watched function got, held and gave back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.report import Watched
from tools.testing import TestSession

FILES = {
    "shop.py": """\
        class Cart:
            def __init__(self):
                self.items = []

            def add(self, name, price=1, *more, **named):
                self.items.append(price)
                return self

        def total(prices):
            sum_ = 0
            for price in prices:
                sum_ += price
            return sum_

        def fact(n):
            if n < 1:
                return 1
            return n * fact(n - 1)

        def pick(values, key):
            try:
                return values[key]
            except KeyError:
                found = None
            return found

        def broken(x):
            raise ValueError(x)

        def spin():
            n = 0
            while True:
                n += 1

        def counted(n):
            for i in range(n):
                yield i
    """,
    "test_shop.py": """\
        import pytest
        from shop import Cart, broken, counted, fact, pick, spin, total
        def test_total():
            assert total([1]) == 1
            assert total([3, 4]) == 8
        def test_many(): assert [total([n]) for n in range(50)] == []
        def test_long(): assert total(list(range(9))) == 0
        def test_fact(): assert fact(3) == 5
        def test_cart(): assert Cart().add("a", 2, 3, x=4).items == []
        def test_pick(): assert pick({}, 1) == 0
        def test_broken(): broken("no")
        def test_spin(): spin()
        def test_counted(): assert list(counted(2)) == [1]
        def test_other(): assert 1 == 2
    """,
}
PLACES = {
    "Cart.add": (5, 7), "total": (9, 13), "fact": (15, 18), "pick": (20, 25),
    "broken": (27, 28), "spin": (30, 33), "counted": (35, 37),
}  # fmt: skip
Watch = Callable[..., Watched]


@pytest.fixture
def watch(repository: Callable[..., Path], session: Callable[..., TestSession]) -> Watch:
    worker = session(repository(FILES))

    def run(test: str, name: str, **options: Any) -> Watched:
        first, last = PLACES[name]
        function = {"path": "shop.py", "name": name.rpartition(".")[2]}
        wanted = {**function, "first_line": first, "last_line": last}
        report = worker.run([f"test_shop.py::{test}"], watch=wanted, **options)
        assert report.failing, "it is watched while it fails"
        assert report.watched is not None
        return report.watched

    return run


def test_arguments_values_and_what_is_given_back(watch: Watch) -> None:
    seen = watch("test_total", "total")
    assert seen.count == 2
    assert [(c.arguments, c.returned) for c in seen.calls] == [
        ({"prices": "[1]"}, "1"),
        ({"prices": "[3, 4]"}, "7"),
    ]
    assert seen.lines == ((10, "sum_", "0"), (11, "price", "3, 4"), (12, "sum_", "3, 7"))


def test_the_last_of_many_calls_and_few_of_many_values_are_kept(watch: Watch) -> None:
    seen = watch("test_many", "total")
    assert seen.count == 50
    assert [call.returned for call in seen.calls] == ["47", "48", "49"]
    values = {(line, name): text for line, name, text in watch("test_long", "total").lines}
    assert values[11, "price"] == "0, 1, 2, …, 8"


def test_of_a_recursion_the_call_from_outside_is_kept(watch: Watch) -> None:
    seen = watch("test_fact", "fact")
    assert seen.count == 4
    assert [(c.arguments, c.returned) for c in seen.calls] == [({"n": "3"}, "6")]


def test_an_object_is_told_by_its_attributes(watch: Watch) -> None:
    (call,) = watch("test_cart", "Cart.add").calls
    assert call.arguments == {
        "self.items": "[]", "name": "'a'", "price": "2", "more": "(3,)", "named": "{'x': 4}",
    }  # fmt: skip


def test_an_exception_ends_a_call_unless_it_is_caught(watch: Watch) -> None:
    (call,) = watch("test_broken", "broken").calls
    assert (call.returned, call.raised) == ("", "ValueError: no")
    (call,) = watch("test_pick", "pick").calls
    assert (call.returned, call.raised) == ("None", "")


def test_a_function_that_hangs_is_seen_until_it_is_stopped(watch: Watch) -> None:
    (call,) = watch("test_spin", "spin", test_timeout=1.0).calls
    assert call.raised.startswith("TestTimeout")


def test_a_generator_is_one_call(watch: Watch) -> None:
    seen = watch("test_counted", "counted")
    assert (seen.count, [c.arguments for c in seen.calls]) == (1, [{"n": "2"}])


def test_a_function_that_the_test_never_calls(watch: Watch) -> None:
    assert watch("test_other", "total") == Watched(count=0)


def test_nothing_is_watched_unasked(
    repository: Callable[..., Path], session: Callable[..., TestSession]
) -> None:
    report = session(repository(FILES)).run(["test_shop.py::test_total"])
    assert report.failing
    assert report.watched is None
