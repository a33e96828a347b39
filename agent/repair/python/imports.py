"""Which file an import statement means, and how a file of this repository is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from agent.repair.python.parsed import Parsed


class Modules:
    """The modules of one repository, by path and by dotted name."""

    def __init__(self, files: Mapping[str, Parsed]) -> None:
        self._files = files
        self._by_suffix: dict[str, set[str]] = {}
        for path in files:
            parts = module_parts(path)
            for start in range(len(parts)):
                self._by_suffix.setdefault(".".join(parts[start:]), set()).add(path)
        self.edges = {path: frozenset(self._imported(path)) for path in files}

    def resolve(self, path: str, level: int, name: str) -> str | None:
        """The repository file that a dotted name means in `path`; None when it is not ours."""
        if level:
            folder = PurePosixPath(path).parent
            for _ in range(level - 1):
                folder = folder.parent
            base = folder.joinpath(*name.split(".")) if name else folder
            for guess in (f"{base}.py", f"{base}/__init__.py"):
                if guess in self._files:
                    return guess
            return None
        found = self._by_suffix.get(name, set())
        near = [p for p in found if PurePosixPath(p).parent == PurePosixPath(path).parent]
        chosen = list(found) if len(found) == 1 else near
        return chosen[0] if len(chosen) == 1 else None

    def imports(self, path: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
        """Imports of the file at any depth, with the repository file that each one names."""
        for node in ast.walk(self._files[path].tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    target = self.resolve(path, 0, alias.name)
                    if target:
                        yield node, target
            elif isinstance(node, ast.ImportFrom):
                name = node.module or ""
                target = self.resolve(path, node.level, name)
                if target:
                    yield node, target
                for alias in node.names:
                    inner = self.resolve(path, node.level, f"{name}.{alias.name}".strip("."))
                    if inner:
                        yield node, inner

    def _imported(self, path: str) -> Iterator[str]:
        for _, target in self.imports(path):
            if target != path:
                yield target

    def reaches(self, start: str, goal: str) -> bool:
        """Whether importing `start` imports `goal`, at any remove."""
        seen, queue = {start}, [start]
        while queue:
            for following in self.edges.get(queue.pop(), ()):
                if following == goal:
                    return True
                if following not in seen:
                    seen.add(following)
                    queue.append(following)
        return False

    def users(self, target: str, name: str) -> int:
        """How many files import a name from a file."""
        count = 0
        for path in self._files:
            for node, file in self.imports(path):
                if file == target and isinstance(node, ast.ImportFrom):
                    count += any(alias.name == name for alias in node.names)
        return count

    def spelling(self, importer: str, target: str, others: Iterable[str]) -> str | None:
        """How `importer` should name `target` after `from`, as it or its neighbours do.

        None when no spelling is sure to work.
        """
        for path in (importer, *others):
            for node, file in self.imports(path):
                if isinstance(node, ast.ImportFrom) and node.level:
                    if same_folder(importer, target):
                        return "." + module_parts(target)[-1]
                    continue
                if isinstance(node, ast.ImportFrom) and node.module and file == target:
                    return node.module
                if isinstance(node, ast.ImportFrom) and node.module:
                    sibling = _like(node.module, file, target)
                    if sibling:
                        return sibling
        return self._default(importer, target)

    def _default(self, importer: str, target: str) -> str | None:
        """By packages: a relative import inside one, the bare name between loose files."""
        if not same_folder(importer, target):
            return None
        folder = PurePosixPath(target).parent
        package = str(folder / "__init__.py") in self._files
        return ("." if package else "") + module_parts(target)[-1]


def module_parts(path: str) -> list[str]:
    """`src/bank/utils.py` as its parts; a package is named by its folder."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def same_folder(one: str, other: str) -> bool:
    return PurePosixPath(one).parent == PurePosixPath(other).parent


def _like(spelled: str, file: str, target: str) -> str | None:
    """The dotted name of `target` spelled like that of a `file` in the same folder."""
    if not same_folder(file, target):
        return None
    words, parts = spelled.split("."), module_parts(file)
    if parts[-len(words) :] != words or PurePosixPath(file).stem == "__init__":
        return None
    return ".".join([*words[:-1], module_parts(target)[-1]])
