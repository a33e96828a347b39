"""How counts and lines read in the reasons of a plan."""

from __future__ import annotations

from collections.abc import Iterable


def tests_text(count: int) -> str:
    """`1 failing test`, `2 failing tests`."""
    return f"{count} failing test{'s' * (count != 1)}"


def lines_text(lines: Iterable[int]) -> str:
    """`3, 5-7` for 3, 5, 6, 7."""
    parts: list[list[int]] = []
    for line in sorted(lines):
        if parts and line == parts[-1][1] + 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
