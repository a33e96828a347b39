"""What a whole Python file defines, imports and calls, gathered once for all of its functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from functools import cached_property, lru_cache

from agent.repair.python.parsed import Function, Parsed


class Facts:
    """Names of one parsed file, the often used first where that is known."""

    def __init__(self, module: Parsed) -> None:
        self._module = module
        self._nodes = tuple(ast.walk(module.tree))

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """Constants bound at module level."""
        found = []
        for statement in self._module.tree.body:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if isinstance(statement, ast.AnnAssign):
                targets = [statement.target]
            found += [target.id for target in targets if isinstance(target, ast.Name)]
        return tuple(dict.fromkeys(found))

    @cached_property
    def callables(self) -> tuple[str, ...]:
        """Functions and classes that the module defines or imports by name."""
        found: list[str] = []
        for statement in self._module.tree.body:
            if isinstance(statement, Function | ast.ClassDef):
                found.append(statement.name)
            elif isinstance(statement, ast.ImportFrom):
                found += [alias.asname or alias.name for alias in statement.names]
        return tuple(name for name in dict.fromkeys(found) if name != "annotations")

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names of the modules that `import` binds."""
        return frozenset(
            alias.asname or alias.name
            for node in self._nodes
            if isinstance(node, ast.Import)
            for alias in node.names
        )

    @cached_property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """Attribute names seen on each receiver: `a`, `self.a`."""
        seen: dict[str, Counter[str]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Attribute) and (receiver := dotted(node.value)):
                seen.setdefault(receiver, Counter())[node.attr] += 1
        return {receiver: often(counts) for receiver, counts in seen.items()}

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Attributes that are true or false: conditions ask for nothing else of them."""
        counts: Counter[str] = Counter()
        for node in self._nodes:
            tests = [getattr(node, "test", None), *getattr(node, "ifs", ())]
            if isinstance(node, ast.BoolOp):
                tests = list(node.values)
            for test in tests:
                asked = test.operand if isinstance(test, ast.UnaryOp) else test
                if isinstance(asked, ast.Attribute):
                    counts[asked.attr] += 1
            if isinstance(node, ast.AnnAssign) and getattr(node.annotation, "id", "") == "bool":
                name = getattr(node.target, "id", getattr(node.target, "attr", ""))
                counts[name] += 1
        return often(counts)

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """Texts that each receiver is subscripted with: `a["k"]`, `self.a["k"]`."""
        seen: dict[str, Counter[str]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Subscript) and (receiver := dotted(node.value)):
                key = getattr(node.slice, "value", None)
                if isinstance(node.slice, ast.Constant) and isinstance(key, str):
                    seen.setdefault(receiver, Counter())[key] += 1
        return {receiver: often(counts) for receiver, counts in seen.items()}

    @cached_property
    def signatures(self) -> dict[str, ast.arguments]:
        """Arguments of functions, methods and classes by bare name; the last of a name counts."""
        found = {node.name: node.args for node in self._nodes if isinstance(node, Function)}
        return found | constructors(self._nodes)

    @cached_property
    def keywords(self) -> dict[str, tuple[tuple[str, ast.expr], ...]]:
        """Keywords that calls of each bare name are given."""
        found: dict[str, list[tuple[str, ast.expr]]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Call):
                pairs = [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg]
                found.setdefault(bare_name(node.func), []).extend(pairs)
        return {name: tuple(pairs) for name, pairs in found.items() if name and pairs}


@lru_cache(maxsize=32)
def facts(module: Parsed) -> Facts:
    return Facts(module)


def constructors(nodes: Iterable[ast.AST]) -> dict[str, ast.arguments]:
    """Arguments of `__init__` by the name of its class."""
    return {
        node.name: member.args
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.FunctionDef) and member.name == "__init__"
    }


def dotted(node: ast.expr) -> str:
    """`a`, `a.b` and so on; empty for other expressions."""
    if isinstance(node, ast.Attribute):
        outer = dotted(node.value)
        return f"{outer}.{node.attr}" if outer else ""
    return node.id if isinstance(node, ast.Name) else ""


def bare_name(function: ast.expr) -> str:
    """`f` of `f(…)` and of `a.b.f(…)`; empty for other calls."""
    return getattr(function, "id", getattr(function, "attr", ""))


def often(counts: Counter[str]) -> tuple[str, ...]:
    """The often counted first, in the order of the alphabet where counts are equal."""
    return tuple(name for name, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0])))
