"""Remembers what a function returned."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

from memostore.cache import Cache

P = ParamSpec("P")
R = TypeVar("R")
_ABSENT: Any = object()


def call_key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    """Tells calls apart; the order of keyword arguments does not matter."""
    return args, tuple(sorted(kwargs.items()))


def memoise(capacity: int = 128, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Call a function once for the same arguments; `options` are those of `Cache`.

    The wrapped function has the cache as its attribute `cache`. An exception is not kept.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        cache: Cache[Hashable, R] = Cache(capacity, **options)

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            key = call_key(args, kwargs)
            result = cache.get(key, _ABSENT)
            if result is _ABSENT:
                result = function(*args, **kwargs)
                cache.put(key, result)
            return result

        wrapper.cache = cache  # type: ignore[attr-defined]
        return wrapper

    return wrap
