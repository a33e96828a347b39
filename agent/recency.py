"""What was changed last in the user's tree: where a new fault is, and which tests know of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools import git

TOGETHER = 600.0
"""Seconds within which files are written by one checkout, or by one sitting of a person."""
FEW, SHARE = 20, 0.5
"""Where more files than that, or more than that share of all, were changed together last, it says
nothing of one of them."""

When = tuple[float, float]
"""How many times `TOGETHER` before the newest file it was written, negative; when it was committed,
in Unix seconds."""


@dataclass(frozen=True)
class Recency:
    """When each file was changed last, as far as its time on disk and its commits tell."""

    changed: dict[str, When]

    def newest_first(self, paths: Iterable[str]) -> list[str]:
        """By name where nothing tells them apart."""
        never = (float("-inf"), 0.0)
        later = sorted(paths)
        later.sort(key=lambda path: self.changed.get(path, never), reverse=True)
        return later

    def newest(self) -> frozenset[str]:
        """The few files that were changed last; empty where that is no news."""
        for part in (0, 1):
            last = max((when[part] for when in self.changed.values()), default=0.0)
            found = frozenset(path for path, when in self.changed.items() if when[part] == last)
            if 0 < len(found) <= min(FEW, SHARE * len(self.changed)):
                return found
        return frozenset()


def recency(root: Path, files: Iterable[str]) -> Recency:
    """Of these files, relative to `root`; files that are gone are left out.

    A time on disk alone tells nothing behind a fresh checkout, and commits nothing of what is not
    committed. No content is compared, for that could start programs that the repository names.
    """
    committed = git.last_changed(root)
    written: dict[str, float] = {}
    for path in files:
        try:
            written[path] = (root / path).lstat().st_mtime
        except OSError:
            continue
    newest = max(written.values(), default=0.0)
    return Recency(
        {
            path: (-((newest - when) // TOGETHER), float(committed.get(path, 0)))
            for path, when in written.items()
        }
    )
