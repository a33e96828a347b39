"""What the modules that a file imports from its own repository define."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from agent.repair.python.facts import constructors
from agent.repair.python.parsed import Parsed, parsed

Signatures = Mapping[str, ast.arguments]
Read = Callable[[str], str | None]
"""Text of a file of the repository by its path; None when there is no such file."""

MAX_MODULES = 12
MAX_SOURCE = 300_000


@dataclass(frozen=True)
class Neighbours:
    functions: Signatures = field(default_factory=dict)
    """Functions and classes that the file imports by name."""
    modules: Mapping[str, Signatures] = field(default_factory=dict)
    """Functions and classes of each module that the file knows under a name."""


def neighbours(module: Parsed, path: str, read: Read) -> Neighbours:
    """Read the repository's own modules that `module`, the file at `path`, imports on top."""
    functions: dict[str, ast.arguments] = {}
    modules: dict[str, Signatures] = {}
    for node in module.tree.body:
        if len(modules) >= MAX_MODULES:
            break
        if isinstance(node, ast.Import):
            for alias in node.names:
                found = _signatures(path, 0, alias.name, read)
                if found and (alias.asname or "." not in alias.name):
                    modules[alias.asname or alias.name] = found
        elif isinstance(node, ast.ImportFrom):
            found = _signatures(path, node.level, node.module or "", read)
            for alias in node.names:
                name = alias.asname or alias.name
                if alias.name in found:
                    functions[name] = found[alias.name]
                elif inner := _signatures(
                    path, node.level, f"{node.module or ''}.{alias.name}".strip("."), read
                ):
                    modules[name] = inner
    return Neighbours(functions, modules)


def _signatures(path: str, level: int, name: str, read: Read) -> dict[str, ast.arguments]:
    for guess in _places(path, level, name):
        text = read(guess)
        module = parsed(text) if text is not None and len(text) <= MAX_SOURCE else None
        if module is not None:
            body = module.tree.body
            functions = (n for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            return {node.name: node.args for node in functions} | constructors(body)
    return {}


def _places(path: str, level: int, name: str) -> Iterator[str]:
    """Files that a dotted name may mean: below the importing file's folders, nearest first."""
    folder = PurePosixPath(path).parent
    parts = name.split(".") if name else []
    for _ in range(level - 1):
        folder = folder.parent
    folders = [folder] if level else [folder, *folder.parents, PurePosixPath("src")]
    for base in folders:
        target = base.joinpath(*parts)
        if parts:
            yield f"{target}.py"
        yield f"{target}/__init__.py".removeprefix("./")
