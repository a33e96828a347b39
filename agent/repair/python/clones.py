"""Finds functions that are written twice and proposes to import the one that stays."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agent.repair.clones import Clone
from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.python.imports import Modules
from agent.repair.python.language import PythonLanguage
from agent.repair.python.parsed import Function, Parsed, parsed
from agent.repair.python.tidy import add_import, remove_function
from agent.repair.seams import Candidate
from agent.repair.vendored import is_vendored

SHARED_NAMES = ("util", "helper", "common", "shared", "format", "tool", "core", "base")
SMALL, LARGE = 8, 30
"""Nodes that a body must have to be the same function under the same name, or under another."""
MAX_FILE = 400_000


@dataclass(frozen=True, eq=False)
class _Home:
    path: str
    module: Parsed
    node: Function


class PythonClones:
    def __init__(self, reader: SourceReader = read_source) -> None:
        self._reader = reader
        self._language = PythonLanguage()

    def find(self, root: Path, paths: Iterable[str]) -> tuple[Clone, ...]:
        """See `CloneFinder.find`. Tests among `paths` only tell how modules are imported."""
        files = self._parsed(root, paths)
        modules = Modules(files)
        found: list[Clone] = []
        for group in self._groups(files).values():
            found += _clones(group, modules, files)
        return tuple(sorted(found, key=lambda clone: (clone.path, clone.first_line)))

    def _parsed(self, root: Path, paths: Iterable[str]) -> dict[str, Parsed]:
        files: dict[str, Parsed] = {}
        for path in sorted(set(paths)):
            if not self._language.owns(path) or is_vendored(path):
                continue
            try:
                text = self._reader(root, path)
            except OSError:
                continue
            module = parsed(text) if len(text) <= MAX_FILE else None
            if module is not None:
                files[path] = module
        return files

    def _groups(self, files: dict[str, Parsed]) -> dict[str, list[_Home]]:
        """Module-level functions of source files by what they do."""
        groups: dict[str, list[_Home]] = {}
        for path, module in files.items():
            if self._language.is_test(path):
                continue
            for node in module.tree.body:
                if isinstance(node, Function) and _size(node) >= SMALL:
                    groups.setdefault(shape(node), []).append(_Home(path, module, node))
        return {key: group for key, group in groups.items() if len(group) > 1}


def body_of(node: Function) -> list[ast.stmt]:
    """The statements without the docstring."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.body[1:] if documented and isinstance(first.value.value, str) else node.body  # type: ignore[attr-defined]


def _size(node: Function) -> int:
    return sum(1 for statement in body_of(node) for _ in ast.walk(statement))


def shape(node: Function) -> str:
    """Equal for functions that do the same: names of locals, annotations and docs left out."""
    spec = node.args
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    arguments = [arg.arg for arg in every]
    kept = {*arguments, *(a.arg for a in (spec.vararg, spec.kwarg) if a)}
    renamed: dict[str, str] = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and part.id not in kept:
            renamed.setdefault(part.id, f"local{len(renamed)}")
    counts = (len(spec.posonlyargs), len(spec.args), len(spec.kwonlyargs))
    head = [type(node).__name__, str(arguments), str(counts), str(bool(spec.vararg)),
            str(bool(spec.kwarg)), *(_dump(d, {}) for d in node.decorator_list),
            *(_dump(d, {}) for d in [*spec.defaults, *spec.kw_defaults] if d)]  # fmt: skip
    return "\n".join([*head, *(_dump(statement, renamed) for statement in body_of(node))])


def _dump(node: ast.AST, renamed: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return f"{type(node.ctx).__name__}:{renamed.get(node.id, node.id)}"
    parts = []
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_comment", "kind"):
            continue
        values = value if isinstance(value, list) else [value]
        shown = [_dump(v, renamed) if isinstance(v, ast.AST) else repr(v) for v in values]
        parts.append(f"{field}={shown}")
    return f"{type(node).__name__}({','.join(parts)})"


def free_names(node: Function) -> set[str]:
    """Names that the function takes from its module or the builtins."""
    bound = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    loaded: set[str] = set()
    annotations = {id(n) for a in _annotations(node) for n in ast.walk(a)}
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and id(part) not in annotations:
            (loaded if isinstance(part.ctx, ast.Load) else bound).add(part.id)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            bound.add(part.name)
        elif isinstance(part, ast.alias):
            bound.add((part.asname or part.name).split(".")[0])
        elif isinstance(part, Function) and part is not node:
            bound.add(part.name)
    return loaded - bound


def _annotations(node: Function) -> Iterator[ast.expr]:
    for part in ast.walk(node):
        for field in ("annotation", "returns"):
            value = getattr(part, field, None)
            if isinstance(value, ast.expr):
                yield value


def binding(name: str, home: _Home, modules: Modules) -> str | None:
    """What a module-level name stands for, comparable between files; None when it is unsure."""
    found: str | None = None
    for node in home.module.tree.body:
        meaning = _meaning(name, node, home, modules)
        if meaning is not None:
            if found is not None:
                return None
            found = meaning
    if found is None and hasattr(builtins, name):
        return f"builtin {name}"
    return found or None


def _meaning(name: str, node: ast.stmt, home: _Home, modules: Modules) -> str | None:
    """What one statement binds the name to: empty when unsure, None when it does not."""
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                file = modules.resolve(home.path, node.level, node.module or "")
                return f"from {file or node.module} import {alias.name}"
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if (alias.asname or alias.name.split(".")[0]) == name:
                return f"import {alias.name}"
    elif isinstance(node, ast.Assign):
        if any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return f"= {ast.dump(node.value)}" if isinstance(node.value, ast.Constant) else ""
    elif isinstance(node, Function):
        return (
            f"def {shape(node)}"
            if node.name == name and node is home.node
            else ("" if node.name == name else None)
        )
    elif name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _stores(n)}:
        return ""
    return None


def _stores(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store | ast.Del)


def _same_world(one: _Home, other: _Home, modules: Modules) -> bool:
    """Whether both functions would find the same things under the names that they use."""
    if any(isinstance(p, ast.Global) for home in (one, other) for p in ast.walk(home.node)):
        return False
    names = free_names(one.node) | free_names(other.node)
    for name in names:
        meanings = [binding(name, home, modules) for home in (one, other)]
        if meanings[0] is None or meanings[0] != meanings[1]:
            return False
    return True


def _clones(group: list[_Home], modules: Modules, files: dict[str, Parsed]) -> Iterator[Clone]:
    """The copies of one group, against the first home that they can import."""
    ranked = sorted(group, key=lambda home: _preference(home, modules))
    gone: list[_Home] = []
    kept: list[_Home] = []
    for canonical in ranked:
        for copy in ranked:
            if copy is canonical or canonical in gone or copy in gone or copy in kept:
                continue
            clone = _replace(copy, canonical, modules, files)
            if clone:
                gone.append(copy)
                kept.append(canonical)
                yield clone


def _preference(home: _Home, modules: Modules) -> tuple[int, int, int, int, str]:
    """Least first: shared module by its name, most imported, fewest own imports, shallowest."""
    stem = PurePosixPath(home.path).stem.lower()
    shared = any(word in stem for word in SHARED_NAMES)
    users = modules.users(home.path, home.node.name)
    leaf = len(modules.edges[home.path])
    return (not shared, -users, leaf, home.path.count("/"), home.path)


def _replace(
    copy: _Home, canonical: _Home, modules: Modules, files: dict[str, Parsed]
) -> Clone | None:
    same_name = copy.node.name == canonical.node.name
    if copy.path == canonical.path or not (same_name or _size(copy.node) >= LARGE):
        return None
    if _defined_twice(copy) or _defined_twice(canonical):
        return None
    if modules.reaches(canonical.path, copy.path) or not _same_world(copy, canonical, modules):
        return None
    spelling = modules.spelling(copy.path, canonical.path, files)
    if spelling is None:
        return None
    alias = "" if same_name else f" as {copy.node.name}"
    edits = [
        remove_function(copy.module, copy.node),
        add_import(copy.module, spelling, canonical.node.name + alias, copy.path, modules),
    ]
    return _clone(copy, canonical, edits)


def _defined_twice(home: _Home) -> bool:
    """Whether the module binds the name anywhere else, so that an import would not equal it."""
    name = home.node.name
    for node in ast.walk(home.module.tree):
        if isinstance(node, Function) and node is not home.node and node.name == name:
            if home.module.parents.get(node) is home.module.tree:
                return True
        elif isinstance(node, ast.Name) and node.id == name and _stores(node):
            return True
    return False


def _clone(copy: _Home, canonical: _Home, edits: list[Edit]) -> Clone:
    module, node = copy.module, copy.node
    return Clone(
        path=copy.path,
        name=node.name,
        first_line=module.line_of(module.start(node)),
        last_line=module.line_of(module.end(node)),
        canonical_path=canonical.path,
        canonical_name=canonical.node.name,
        canonical_line=canonical.module.line_of(canonical.module.start(canonical.node)),
        reasons=(
            f"`{node.name}` in {copy.path} does the same as `{canonical.node.name}` in "
            f"{canonical.path}, statement for statement",
            f"{canonical.path} stays: importing it from {copy.path} makes no import cycle",
        ),
        candidate=Candidate(
            strategy="clone",
            operator=f"import {canonical.node.name} from {canonical.path}",
            splices=tuple(edit.splice(copy.path) for edit in edits),
        ),
    )
