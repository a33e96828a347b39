"""Imports that an edit needs and its file lacks: a model writes `sqrt(x)`, and no more."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from agent.repair.edit import apply_splices
from agent.repair.python.operators.statements import documentation
from agent.repair.python.parsed import Parsed, parsed
from agent.repair.python.scope import BUILTINS
from agent.repair.seams import Splice

FAMILIAR = (
    "collections",
    "itertools",
    "functools",
    "math",
    "datetime",
    "pathlib",
    "contextlib",
    "copy",
    "decimal",
    "fractions",
    "heapq",
    "bisect",
    "statistics",
    "textwrap",
    "calendar",
    "string",
    "enum",
    "dataclasses",
    "urllib.error",
    "urllib.parse",
    "typing",
)
"""Modules whose names are often used bare; of a name that several have, the first module's."""
BARE = re.compile(r"(?<![.\w])[^\W\d]\w*")
"""A word that is no attribute."""


def lacking_imports(path: str, before: str, splices: Sequence[Splice]) -> tuple[Splice, ...]:
    """Splices of `before` with the imports that names which are new in the edit's text need.

    Empty where nothing is missing, and where something is that the standard library has not: an
    edit that cannot work is not made longer.
    """
    words = {word for splice in splices for word in BARE.findall(splice.text)}
    old = parsed(before) if any(map(_may_be_imported, words)) else None
    if old is None or _imports_all(old):
        return ()
    known = _loaded(old).keys() | _bound(old) | BUILTINS
    # Parsing a file of 1,200 lines takes 15 ms, for each of a hundred edits; hardly one needs it.
    if not any(_may_be_imported(word) for word in words - known):
        return ()
    new = parsed(apply_splices(before, splices))
    if new is None:
        return ()
    loaded = _loaded(new)
    missing = loaded.keys() - known - _bound(new)
    if not missing:
        return ()
    statements = [_statement(name, loaded[name]) for name in sorted(missing)]
    if not all(statements):
        return ()
    return tuple(_put(path, old, ast.parse(text).body[0]) for text in statements)


def only_imports(text: str) -> bool:
    """Whether a stretch of code imports and does nothing else."""
    tree = parsed(text)
    return tree is not None and bool(tree.tree.body) and all(map(_is_import, tree.tree.body))


@lru_cache(maxsize=32)
def _loaded(module: Parsed) -> dict[str, frozenset[str]]:
    """Names that are read, each with the attributes asked of it; `""` for a use of its own."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            parent = module.parents.get(node)
            asked = parent.attr if isinstance(parent, ast.Attribute) else ""
            found.setdefault(node.id, set()).add(asked)
    return {name: frozenset(asked) for name, asked in found.items()}


@lru_cache(maxsize=32)
def _bound(module: Parsed) -> frozenset[str]:
    """Names that the file gives a meaning anywhere; where, is not looked at."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(getattr(node, "name", None), str):
            found.add(node.name)  # type: ignore[attr-defined]
    return frozenset(found)


@cache
def _may_be_imported(name: str) -> bool:
    return name in sys.stdlib_module_names or any(name in _public(module) for module in FAMILIAR)


def _statement(name: str, asked: frozenset[str]) -> str:
    """How a name is imported; empty where the standard library is not known to have it."""
    whole = name in sys.stdlib_module_names and not name.startswith("_") and "" not in asked
    if whole and (name not in FAMILIAR or all(hasattr(_module(name), one) for one in asked)):
        return f"import {name}"
    home = next((module for module in FAMILIAR if name in _public(module)), "")
    return f"from {home} import {name}" if home else ""


def _module(name: str) -> object:
    return importlib.import_module(name)


@cache
def _public(name: str) -> frozenset[str]:
    module = _module(name)
    return frozenset(getattr(module, "__all__", ())) or frozenset(
        each for each in vars(module) if not each.startswith("_")
    )


def _put(path: str, module: Parsed, wanted: ast.stmt) -> Splice:
    """Where the import belongs: in the statement of the same module, else in order of names."""
    plain = list(_plain_imports(module))
    if isinstance(wanted, ast.ImportFrom):
        for there in plain:
            if isinstance(there, ast.ImportFrom) and _key(there) == _key(wanted):
                return _joined(path, module, there, wanted.names[0].name)
    line = ast.unparse(wanted) + module.newline
    following = next((there for there in plain if _key(there) > _key(wanted)), None)
    if following is not None:
        at = module.line_start(module.line_of(module.start(following)))
    elif plain:
        at = module.line_end(module.line_of(module.end(plain[-1])))
    else:
        body = module.tree.body
        first = next((n for n in body if not (documentation(n) or _is_import(n))), body[-1])
        at = module.line_start(module.line_of(module.start(first)))
        line += module.newline * 2
    return Splice(path=path, start=at, end=at, text=line)


def _joined(path: str, module: Parsed, there: ast.ImportFrom, name: str) -> Splice:
    """The whole statement once more, with the name behind its others."""
    start, end = module.start(there), module.end(there)
    last = there.names[-1]
    at = module.offset(last.end_lineno or last.lineno, last.end_col_offset or last.col_offset)
    text = f"{module.text[start:at]}, {name}{module.text[at:end]}"
    return Splice(path=path, start=start, end=end, text=text)


def _plain_imports(module: Parsed) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that the file begins with, those of features left out."""
    for node in module.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            if getattr(node, "module", "") != "__future__":
                yield node
        elif not documentation(node):
            return


def _key(node: ast.stmt) -> tuple[bool, str]:
    """`import` before `from`, each in the order of the alphabet; relative ones last."""
    if isinstance(node, ast.ImportFrom):
        return True, "~" * node.level + (node.module or "")
    return False, node.names[0].name if isinstance(node, ast.Import) else ""


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _imports_all(module: Parsed) -> bool:
    """Whether a name may come from anywhere."""
    return any(isinstance(node, ast.alias) and node.name == "*" for node in ast.walk(module.tree))
