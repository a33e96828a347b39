"""Which calls of a test file lead to the edited functions, and how they are wrapped."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from agent.repair.python.language import TEST_FOLDERS
from agent.repair.python.parsed import Function, definitions, parse

GENERATED = frozenset({"given", "hypothesis"})
"""Decorators that run a test many times on inputs of their own."""
KINDS = frozenset({"isinstance", "issubclass", "type", "super", "getattr", "setattr", "hasattr"})
"""Calls that look at what they are handed, and do not call it."""


class Targets:
    """Names whose calls are worth a probe, the edited functions' own first."""

    def __init__(
        self,
        tests: ast.Module,
        root: Path,
        edited: Mapping[str, Sequence[str]],
        sources: Mapping[str, str],
    ) -> None:
        self._tests = tests
        self._root = root
        self._edited = edited
        self._sources = sources

    def tiers(self) -> Iterator[frozenset[str]]:
        """Sets of bare names, to be tried in turn until the tests call one of a set."""
        yield frozenset(_bare(name) for names in self._edited.values() for name in names)
        yield frozenset(self._neighbours())
        yield frozenset(self._imported())

    def _neighbours(self) -> Iterator[str]:
        """What else the edited files define for others: it may call what was edited."""
        for source in self._sources.values():
            tree = parse(source)
            for name, _ in definitions(tree) if tree is not None else ():
                if not _bare(name).startswith("_"):
                    yield _bare(name)

    def _imported(self) -> Iterator[str]:
        """What the test file imports from the repository."""
        modules = set()
        for node in ast.walk(self._tests):
            if isinstance(node, ast.ImportFrom) and self._inside(node.module or "", node.level):
                yield from (alias.asname or alias.name for alias in node.names)
            elif isinstance(node, ast.Import):
                modules |= {
                    (alias.asname or alias.name).partition(".")[0]
                    for alias in node.names
                    if self._inside(alias.name, 0)
                }
        for node in ast.walk(self._tests):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                base: ast.expr = node.func.value
                while isinstance(base, ast.Attribute):
                    base = base.value
                if isinstance(base, ast.Name) and base.id in modules:
                    yield node.func.attr

    def _inside(self, module: str, level: int) -> bool:
        """Whether a module is the repository's own, and no helper of its tests."""
        top = module.partition(".")[0]
        if top in TEST_FOLDERS or top == "conftest" or top in sys.stdlib_module_names:
            return False
        places = (self._root / folder / top for folder in (".", "src", "lib"))
        return level > 0 or any(p.is_dir() or p.with_name(f"{top}.py").exists() for p in places)


def _bare(name: str) -> str:
    """What a call of `name` says: the class for `__init__` and its like."""
    *outer, last = name.split(".")
    return outer[-1] if outer and last.startswith("__") and last.endswith("__") else last


def reaching(tree: ast.Module, names: frozenset[str]) -> list[Function]:
    """Test functions that call one of `names`, themselves or through helpers of their file."""
    functions = list(outermost(tree))
    mentioned = {node: set(_mentions(node)) for node in functions}
    wanted, helpers = set(names), True
    while helpers:
        found = {
            node.name
            for node in functions
            if not is_test(node) and node.name not in wanted and mentioned[node] & wanted
        }
        wanted |= found
        helpers = bool(found)
    return [node for node in functions if is_test(node) and mentioned[node] & wanted]


def is_test(node: ast.AST) -> TypeGuard[Function]:
    if not isinstance(node, Function) or not node.name.startswith("test"):
        return False
    words = {word for decorator in node.decorator_list for word in _words(decorator)}
    return not words & GENERATED and not any(isinstance(n, ast.Yield) for n in ast.walk(node))


def _words(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _mentions(function: Function) -> Iterator[str]:
    """Names that the function calls or hands to a call."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            for part in (node.func, *node.args, *(keyword.value for keyword in node.keywords)):
                if name := _name(part):
                    yield name


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def wrap_calls(tree: ast.Module, tests: set[Function], names: frozenset[str]) -> None:
    """Wrap what functions of the file call; bodies of `tests` become probe sessions."""
    wrapper = _Wrapper(names)
    for node in outermost(tree):
        first = wrapper.sites
        node.body = [wrapper.visit(statement) for statement in node.body]
        if node in tests:
            node.body = [_session(node.body, wrapper.sites - first)]


def outermost(node: ast.AST) -> Iterator[Function]:
    """Functions and methods that stand in no other function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child
        else:
            yield from outermost(child)


def _session(body: list[ast.stmt], sites: int) -> ast.With:
    shell = ast.parse(f"with _locum.test({sites}):\n    pass").body[0]
    assert isinstance(shell, ast.With), "it was just written as one"
    shell.body = body
    return shell


class _Wrapper(ast.NodeTransformer):
    """Puts `_locum.called(f, site)` where `f` is called, and lets no assertion end a test."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self.sites = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _name(node.func) not in KINDS:
            node.args = [self._wrapped(part, "passed") for part in node.args]
            for keyword in node.keywords:
                keyword.value = self._wrapped(keyword.value, "passed")
        node.func = self._wrapped(node.func, "called")
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        return _guarded(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self.generic_visit(node)
        call = node.value
        name = _name(call.func) if isinstance(call, ast.Call) else ""
        return _guarded(node) if name.startswith("assert") else node

    def _wrapped(self, node: ast.expr, how: str) -> ast.expr:
        if _name(node) not in self._names:
            return node
        self.sites += 1
        function = ast.Attribute(ast.Name("_locum", ast.Load()), how, ast.Load())
        return ast.Call(function, [node, ast.Constant(self.sites)], [])


def _guarded(statement: ast.stmt) -> ast.Try:
    name = ast.Name("Exception", ast.Load())
    handler = ast.ExceptHandler(type=name, name=None, body=[ast.Pass()])
    return ast.Try(body=[statement], handlers=[handler], orelse=[], finalbody=[])
