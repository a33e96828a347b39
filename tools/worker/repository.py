"""Which files belong to the repository."""

from __future__ import annotations

import os


class Repository:
    """The tree under `root`, without the packages that may be installed inside it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._prefix = root.rstrip(os.sep) + os.sep
        self._known: dict[str, str | None] = {}

    def relative(self, filename: str) -> str | None:
        """POSIX path of `filename` below the root, or None if it is not the repository's."""
        try:
            return self._known[filename]
        except KeyError:
            return self._known.setdefault(filename, self._relative(filename))

    def _relative(self, filename: str) -> str | None:
        if filename.startswith("<"):
            return None
        path = os.path.normpath(os.path.join(self.root, filename))
        if not path.startswith(self._prefix):
            return None
        relative = path[len(self._prefix) :].replace(os.sep, "/")
        installed = {"site-packages", "dist-packages"} & set(relative.split("/"))
        return None if installed else relative
