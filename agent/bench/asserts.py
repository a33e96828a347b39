"""A function of asserts taken apart into tests, so that some of them can be hidden."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

CHECK = "check"


@dataclass(frozen=True)
class Checks:
    """The tests that `def check(function): …` amounts to."""

    function: str
    """What is tested, by the name that the module under test gives it."""
    alias: str
    """What the tests call it."""
    preamble: tuple[str, ...]
    """Statements beside the check function: imports and helpers."""
    bodies: tuple[str, ...]
    """One test each: the statements that set it up, then what it asserts."""

    def render(self, module: str, names: Collection[str], chosen: Sequence[int]) -> str:
        """A test file of the `chosen` bodies (0-based); `names` are the module's own."""
        wanted = sorted(self._used([self.bodies[index] for index in chosen]) & set(names))
        imported = [name for name in wanted if name not in (self.function, self.alias)]
        own = self.function if self.alias == self.function else f"{self.function} as {self.alias}"
        parts = [f"from {module} import {', '.join([own, *imported])}", *self.preamble]
        for index in chosen:
            body = textwrap.indent(self.bodies[index], "    ")
            parts.append(f"\ndef test_{self.function}_{index + 1}():\n{body}")
        return "\n\n".join(parts) + "\n"

    def _used(self, bodies: Sequence[str]) -> set[str]:
        """Names that the tests take from outside: read somewhere, bound nowhere."""
        read: set[str] = set()
        bound: set[str] = set()
        for text in (*self.preamble, *bodies):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Name):
                    (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
                elif isinstance(node, ast.alias):
                    bound.add((node.asname or node.name).partition(".")[0])
                elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                    bound.add(node.name)
        return read - bound


def take_apart(test: str, function: str) -> Checks:
    """One test for each assert, or for each statement (a loop, say) that holds asserts.

    Asserts that hold for any code, and repeated ones, are left out.
    Raises ValueError when there is no check function with an assert, or it does not parse.
    """
    tree = ast.parse(test)
    check = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == CHECK), None)
    if check is None or len(check.args.args) != 1:
        raise ValueError(f"There is no function `{CHECK}` of one argument.")
    helpers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node is not check and _holds(node, ())
    }
    bodies = tuple(dict.fromkeys(_bodies(check.body, helpers)))
    if not bodies:
        raise ValueError(f"The function `{CHECK}` asserts nothing.")
    preamble = tuple(
        ast.unparse(node) for node in tree.body if node is not check and not _calls_check(node)
    )
    return Checks(function, check.args.args[0].arg, preamble, bodies)


def module_names(source: str) -> frozenset[str]:
    """What a module defines or imports at its top; empty when it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return frozenset()
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((a.asname or a.name).partition(".")[0] for a in node.names)
        else:
            found.update(n.id for n in ast.walk(node) if _is_bound(n) and isinstance(n, ast.Name))
    return frozenset(found)


def _bodies(statements: Sequence[ast.stmt], helpers: Collection[str]) -> Iterator[str]:
    setup: list[str] = []
    for statement in statements:
        if _holds(statement, helpers) and not isinstance(statement, ast.FunctionDef):
            if not _is_trivial(statement):
                yield "\n".join([*setup, ast.unparse(statement)])
        else:
            setup.append(ast.unparse(statement))


def _holds(node: ast.AST, helpers: Collection[str]) -> bool:
    """Whether something is asserted in it, by itself or by a helper that it calls."""
    return any(
        isinstance(inner, ast.Assert)
        or (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Name)
            and inner.func.id in helpers
        )
        for inner in ast.walk(node)
    )


def _is_trivial(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Constant)


def _calls_check(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == CHECK
    )


def _is_bound(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
