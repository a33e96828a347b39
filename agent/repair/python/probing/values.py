"""Values a little different from a given one, and texts that tell values apart."""

from __future__ import annotations

import copy
import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any

ITEMS, DEPTH, TEXT = 60, 5, 2_000
"""Of one value: elements of a container, levels of containers, characters that are looked at."""
LARGE = 10**6
"""Numbers and lengths above it do not grow further: time and memory are limited."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_FILE_NAME = re.compile(r"[/\\]|^~|^\.\.")


def variants(value: Any, deep: bool = True) -> list[Any]:
    """Values a little different from a plain one; none for other objects, and for file names.

    A function that deletes files must not meet a path that its test did not choose.
    """
    make = _VARIANTS.get(type(value))
    found = make(value, deep) if make else []
    told = canonical(value)
    return [new for new in found if canonical(new) != told]


def _numbers(value: Any, _deep: bool) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    found = [value + 1, value - 1, type(value)(0), -value]
    if isinstance(value, float):
        found += [value + 0.5, value / 2]
    return [*found, 2 * value + 1] if abs(value) < LARGE else found


def _texts(value: Any, _deep: bool) -> list[Any]:
    if isinstance(value, str) and _FILE_NAME.search(value):
        return []
    blank = " " if isinstance(value, str) else b" "
    found = [value[:0], value[::-1], value.swapcase(), blank + value + blank, value[:-1], value[1:]]
    return [*found, value + value] if len(value) < LARGE else found


def _sequences(value: Any, deep: bool) -> list[Any]:
    kind, items = type(value), list(value)
    found = [[], items[::-1], items[:-1], items[1:], items[:1] + items, items + items[-1:]]
    if deep and items:
        for place in dict.fromkeys((0, len(items) // 2, len(items) - 1)):
            for new in variants(items[place], False):
                found.append([*items[:place], new, *items[place + 1 :]])
    return [kind(new) for new in found]


def _mappings(value: Any, deep: bool) -> list[Any]:
    keys = list(value)[:3]
    found: list[Any] = [{}]
    found += [{k: v for k, v in value.items() if k != key} for key in keys]
    for key in keys if deep else ():
        found += [{**value, key: new} for new in variants(value[key], False)]
    return found


def _sets(value: Any, _deep: bool) -> list[Any]:
    ordered = sorted(value, key=canonical)
    return [type(value)(part) for part in ([], ordered[1:], ordered[:-1])]


_VARIANTS: dict[type, Callable[[Any, bool], list[Any]]] = {
    **dict.fromkeys((bool, int, float), _numbers),
    **dict.fromkeys((str, bytes), _texts),
    **dict.fromkeys((list, tuple), _sequences),
    **dict.fromkeys((set, frozenset), _sets),
    dict: _mappings,
}


def copied(value: Any) -> Any:
    """A copy that shares nothing with it; raises whatever the code that is copied raises."""
    return copy.deepcopy(value)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:6]


def canonical(value: Any, depth: int = DEPTH) -> str:
    """A text that is equal for values that a test would hardly tell apart."""
    kind = type(value)
    if isinstance(value, float):
        return f"{value:.9g}"
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return repr(value)[:TEXT]
    if depth <= 0:
        return kind.__name__
    inner = functools.partial(canonical, depth=depth - 1)
    if kind in (list, tuple):
        return f"{kind.__name__}{len(value)}{list(map(inner, value[:ITEMS]))}"
    if kind in (set, frozenset):
        return f"{kind.__name__}{sorted(map(inner, value))[:ITEMS]}"
    if isinstance(value, dict):
        pairs = sorted((inner(key), inner(item)) for key, item in list(value.items())[:ITEMS])
        return f"{kind.__name__}{len(value)}{pairs}"
    if hasattr(kind, "__next__"):
        return f"iterator{_first(value, inner)}"
    if getattr(kind, "__repr__", None) is not object.__repr__:
        return _ADDRESS.sub("", repr(value))[:TEXT]
    return kind.__name__ + inner(dict(getattr(value, "__dict__", {})))


def _first(iterator: Any, told: Callable[[Any], str]) -> list[str]:
    found: list[str] = []
    for item in iterator:
        found.append(told(item))
        if len(found) == ITEMS:
            break
    return found
