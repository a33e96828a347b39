"""Which files are left out."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath


class Patterns:
    """Patterns as in an ignore file; the last one that matches decides, `!` takes back."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._rules: list[tuple[str, bool]] = []
        for line in lines:
            text = line.strip()
            if text and not text.startswith("#"):
                self._rules.append((text.removeprefix("!"), not text.startswith("!")))

    def excludes(self, path: str) -> bool:
        """Whether a file is left out, itself or with a folder above it."""
        excluded = False
        for pattern, verdict in self._rules:
            if self._matches(pattern, PurePosixPath(path)):
                excluded = verdict
        return excluded

    @staticmethod
    def _matches(pattern: str, path: PurePosixPath) -> bool:
        if pattern.endswith("/"):
            folders = path.parts[:-1]
            return any(fnmatchcase(folder, pattern[:-1]) for folder in folders)
        if "/" in pattern:
            return fnmatchcase(str(path), pattern)
        return fnmatchcase(path.name, pattern)
