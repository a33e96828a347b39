"""Which files of the repository import which: import-time lines count for every importer."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections import defaultdict
from typing import Any, Iterable, Mapping, Sequence

from .repository import Repository


class ImportGraph:
    """Edges from importing file to imported module, seen as the imports happen."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._edges: defaultdict[str, set[str]] = defaultdict(set)

    def start(self) -> None:
        """Watch every import statement and `importlib.import_module` from here on."""
        plain_import, plain_module = builtins.__import__, importlib.import_module

        def watched(
            name: str,
            globals: Mapping[str, object] | None = None,
            locals: Mapping[str, object] | None = None,
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> Any:
            result = plain_import(name, globals, locals, fromlist or (), level)
            if globals is not None:
                self._note(globals, name, fromlist or (), level)
            return result

        def watched_module(name: str, package: str | None = None) -> Any:
            module = plain_module(name, package)
            self._note(sys._getframe(1).f_globals, module.__name__, (), 0)
            return module

        builtins.__import__ = watched
        importlib.import_module = watched_module

    def _note(
        self, importer: Mapping[str, object], name: str, fromlist: Iterable[str], level: int
    ) -> None:
        path = self._repository.relative(str(importer.get("__file__") or "<none>"))
        if path is None:
            return
        if level:
            parts = str(importer.get("__package__") or "").split(".")
            base = ".".join(parts[: len(parts) - level + 1])
            name = base + ("." + name if name else "")
        names = self._edges[path]
        names.add(name)
        names.update(name + "." + item for item in fromlist)

    def reachable(self, test_files: Iterable[str]) -> dict[str, list[str]]:
        """By test file: the repository's files that its import ran, or would have run."""
        files = self._files()
        targets = {path: self._targets(names, files) for path, names in list(self._edges.items())}
        return {path: sorted(self._walk(path, targets, files)) for path in test_files}

    def _files(self) -> dict[str, str]:
        files = {}
        for name, module in list(sys.modules.items()):
            filename = getattr(module, "__file__", None)
            path = self._repository.relative(filename) if isinstance(filename, str) else None
            if path is not None:
                files[name] = path
        return files

    @staticmethod
    def _targets(names: Iterable[str], files: Mapping[str, str]) -> set[str]:
        found = set()
        for name in names:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                path = files.get(".".join(parts[:end]))
                if path is not None:
                    found.add(path)
        return found

    @staticmethod
    def _walk(start: str, targets: Mapping[str, set[str]], files: Mapping[str, str]) -> set[str]:
        folders = start.split("/")[:-1]
        above = {"/".join([*folders[:n], "conftest.py"]) for n in range(len(folders) + 1)}
        todo = [start, *(above & set(files.values()))]
        reached: set[str] = set()
        while todo:
            path = todo.pop()
            if path not in reached:
                reached.add(path)
                todo.extend(targets.get(path, ()))
        return reached
