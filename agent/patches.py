"""What a patch takes away and adds."""

from __future__ import annotations


def changed(patch: str) -> tuple[list[str], list[str]]:
    """The lines that a unified diff in git's form removes and those that it adds, in their order.

    Only what stands in its hunks: a removed `-- a` looks like the name of a file.
    """
    removed: list[str] = []
    added: list[str] = []
    inside = False
    for row in patch.splitlines():
        if row.startswith(("@@", "diff --git ")):
            inside = row.startswith("@@")
        elif inside and row.startswith("-"):
            removed.append(row[1:])
        elif inside and row.startswith("+"):
            added.append(row[1:])
    return removed, added
