"""Which pytest tests a run is to take."""

from __future__ import annotations

import os
from typing import Sequence


class Selection:
    """Node ids of tests, classes, files or a conftest's directory."""

    def __init__(self, root: str, ids: Sequence[str]) -> None:
        self._ids: set[str] = set()
        self._folders: list[str] = []
        self.arguments: list[str] = []
        for wanted in ids:
            self._add(root, wanted)
        self.arguments = list(dict.fromkeys(self.arguments))

    def _add(self, root: str, wanted: str) -> None:
        path, separator, rest = wanted.partition("::")
        if os.path.basename(path) == "conftest.py":
            path = os.path.dirname(path) or "."
            wanted = path
        if os.path.isdir(os.path.join(root, path)):
            self._folders.append("" if path == "." else path.rstrip("/") + "/")
        elif not os.path.exists(os.path.join(root, path)):
            return
        self._ids.add(wanted)
        # Parameters may hold any character; pytest gets the function and we pick among its ids.
        self.arguments.append(path + separator + rest.partition("[")[0])

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(name.partition("::")[0] for name in self.arguments))

    def __contains__(self, nodeid: str) -> bool:
        if nodeid in self._ids or nodeid.startswith(tuple(self._folders)):
            return True
        path, _, rest = nodeid.partition("::")
        names = rest.partition("[")[0].split("::")
        prefixes = ("::".join([path, *names[:n]]) for n in range(len(names) + 1))
        return any(prefix in self._ids for prefix in prefixes)
