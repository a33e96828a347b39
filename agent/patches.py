"""What a patch takes away and adds."""

from __future__ import annotations

from collections.abc import Iterator

from agent.repair.seams import Change

Row = tuple[str, str]
"""The sign of a line in a hunk, and the line."""


def changed(patch: str) -> tuple[list[str], list[str]]:
    """The lines that a unified diff in git's form removes, and those that it adds."""
    rows = [row for hunk in _hunks(patch) for row in hunk]
    return _signed(rows, "-"), _signed(rows, "+")


def changes(patch: str) -> list[Change]:
    """Each stretch of changed lines; one that only adds lines comes with the line behind them, or
    else the one before."""
    return [change for hunk in _hunks(patch) for change in _stretches(hunk)]


def _hunks(patch: str) -> Iterator[list[Row]]:
    """Only what stands in hunks: a removed `-- a` looks like the name of a file."""
    rows: list[Row] | None = None
    for row in patch.splitlines():
        if row.startswith(("@@", "diff --git ")):
            if rows:
                yield rows
            rows = [] if row.startswith("@@") else None
        elif rows is not None and row[:1] in ("-", "+", " "):
            rows.append((row[0], row[1:]))
    if rows:
        yield rows


def _stretches(rows: list[Row]) -> Iterator[Change]:
    first = 0
    while first < len(rows):
        last = first
        while last < len(rows) and rows[last][0] != " ":
            last += 1
        if last > first:
            yield _change(rows, first, last)
        first = last + 1


def _signed(rows: list[Row], wanted: str) -> list[str]:
    return [line for sign, line in rows if sign == wanted]


def _change(rows: list[Row], first: int, last: int) -> Change:
    before, after = _signed(rows[first:last], "-"), _signed(rows[first:last], "+")
    if not before:
        if last < len(rows) and rows[last][1].strip():
            before, after = [rows[last][1]], [*after, rows[last][1]]
        elif first:
            before, after = [rows[first - 1][1]], [rows[first - 1][1], *after]
    return Change(tuple(before), tuple(after))
