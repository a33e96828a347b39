"""Lays one nested mapping over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Later layers win, key by key; nested mappings are merged, other values replaced.

    None of the layers is changed.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
                merged[key].update(value)
            else:
                merged[key] = value
    return merged


def nest(path: str, value: object, separator: str = "__") -> dict[str, Any]:
    """`{"a": {"b": value}}` for the path `a__b`."""
    first, found, rest = path.partition(separator)
    return {first: nest(rest, value, separator) if found else value}
