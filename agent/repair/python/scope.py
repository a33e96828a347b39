"""Names and code that one function can see: its own, its neighbours', its module's."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cached_property

from agent.repair.python.facts import Facts, facts, often
from agent.repair.python.neighbours import Neighbours, Signatures
from agent.repair.python.parsed import Function, Parsed

MAX_SIBLINGS = 6
MAX_TEXT = 80
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Delete)
COMPOSED = (ast.BoolOp, ast.IfExp, ast.BinOp)
BUILTINS = frozenset(dir(builtins))


class Scope:
    """One function (or the module level) of one parsed file."""

    def __init__(
        self,
        module: Parsed,
        function: Function | None,
        neighbours: Neighbours | None = None,
        errors: Mapping[int, str] | None = None,
        expected: Sequence[str] = (),
    ) -> None:
        """`errors` and `expected`: see `Suspect`."""
        self.module = module
        self.function = function
        self.neighbours = neighbours or Neighbours()
        self.errors = errors or {}
        self.expected = expected

    @property
    def scope(self) -> ast.AST:
        return self.function or self.module.tree

    @property
    def _facts(self) -> Facts:
        return facts(self.module)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.scope))

    # -- names -----------------------------------------------------------------------------

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        if self.function is None:
            return ()
        spec = self.function.args
        every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
        every += [extra for extra in (spec.vararg, spec.kwarg) if extra]
        return tuple(arg.arg for arg in every)

    @cached_property
    def local_names(self) -> tuple[str, ...]:
        """Arguments and names bound in the function, the often used first."""
        bound = set(self.arguments) - {"self", "cls"}
        uses: Counter[str] = Counter()
        for node in self.nodes:
            if isinstance(node, ast.Name):
                uses[node.id] += 1
                if isinstance(node.ctx, ast.Store):
                    bound.add(node.id)
            elif isinstance(node, ast.arg) and node.arg not in ("self", "cls"):
                bound.add(node.arg)
        return tuple(sorted(bound, key=lambda name: (-uses[name], name)))

    @property
    def module_names(self) -> tuple[str, ...]:
        return self._facts.module_names

    @property
    def callables(self) -> tuple[str, ...]:
        return self._facts.callables

    @property
    def imported(self) -> frozenset[str]:
        return self._facts.imported

    @property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        return self._facts.attributes

    @property
    def flags(self) -> tuple[str, ...]:
        return self._facts.flags

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        return self._facts.keys

    @cached_property
    def signatures(self) -> Mapping[str, ast.arguments]:
        """Arguments of functions, methods and classes that the file defines or imports."""
        return {**self.neighbours.functions, **self._facts.signatures}

    @property
    def foreign(self) -> Mapping[str, Signatures]:
        """Signatures in the repository's own modules, by the name each has in this file."""
        return self.neighbours.modules

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name that code put into this function may use."""
        names = {*self.local_names, *self.arguments, *self.module_names, *self.callables}
        return frozenset(names | self.imported | BUILTINS)

    def usable(self, node: ast.AST) -> bool:
        """Whether all names in a piece of code mean something in this function."""
        return all(n.id in self.known for n in ast.walk(node) if isinstance(n, ast.Name))

    # -- the class and the functions around ------------------------------------------------

    @cached_property
    def enclosing_class(self) -> ast.ClassDef | None:
        if self.function is None:
            return None
        for ancestor in self.module.ancestors(self.function):
            if isinstance(ancestor, ast.ClassDef):
                return ancestor
        return None

    @cached_property
    def siblings(self) -> tuple[Function, ...]:
        """Functions beside this one, those with the most similar names first."""
        if self.function is None:
            return ()
        owner = self.module.parents.get(self.function)
        name = self.function.name
        others = [
            member
            for member in getattr(owner, "body", [])
            if isinstance(member, Function) and member is not self.function
        ]
        others.sort(key=lambda other: -SequenceMatcher(None, name, other.name).ratio())
        return tuple(others[:MAX_SIBLINGS])

    @cached_property
    def members(self) -> frozenset[str]:
        """Names that the class itself binds: methods, properties, class attributes."""
        body = self.enclosing_class.body if self.enclosing_class else []
        names = {getattr(member, "name", "") for member in body}
        for member in body:
            for target in getattr(member, "targets", [getattr(member, "target", None)]):
                names.add(getattr(target, "id", ""))
        return frozenset(names)

    # -- code to take over -----------------------------------------------------------------

    def short_text(self, node: ast.AST) -> str:
        """The node's text, empty when it is long or of several lines."""
        text = self.module.source(node)
        return text if "\n" not in text and len(text) <= MAX_TEXT else ""

    @cached_property
    def constants(self) -> tuple[str | int | float, ...]:
        """Numbers and short strings written in the function."""
        found: list[str | int | float] = []
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
                short = not isinstance(node.value, str) or len(node.value) <= 40
                if short and not isinstance(node.value, bool):
                    found.append(node.value)
        return tuple(dict.fromkeys(found))

    @cached_property
    def results(self) -> tuple[str, ...]:
        """What this function and its siblings return where they return early, as text."""
        found: list[str] = []
        for function in (self.scope, *self.siblings):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    text = self.short_text(node.value)
                    if text and self.usable(node.value):
                        found.append(text)
        return tuple(dict.fromkeys(found))

    @cached_property
    def composed(self) -> dict[str, frozenset[str]]:
        """Short expressions that operators make, with what they are made from: `x or y`."""
        return {
            text: frozenset(
                self.module.source(part) for part in ast.walk(node) if isinstance(part, ast.expr)
            )
            for node in self.nodes
            if isinstance(node, COMPOSED) and (text := self.short_text(node))
        }

    @cached_property
    def raises(self) -> tuple[str, ...]:
        """Short `raise` statements of this function and its siblings that make sense here."""
        found = [
            self.short_text(node)
            for function in (self.scope, *self.siblings)
            for node in ast.walk(function)
            if isinstance(node, ast.Raise) and node.exc is not None and self.usable(node)
        ]
        return tuple(text for text in dict.fromkeys(found) if text)

    @cached_property
    def keywords(self) -> dict[str, list[tuple[str, str]]]:
        """Keywords with values that make sense here, by the bare name of the called function."""
        return {
            name: [
                (key, self.short_text(v))
                for key, v in pairs
                if self.usable(v) and self.short_text(v)
            ]
            for name, pairs in self._facts.keywords.items()
        }

    @cached_property
    def converters(self) -> tuple[str, ...]:
        """Functions and methods of this module that are called with one value nearby."""
        own = {*self.callables, *self.foreign}
        near: dict[str, None] = {}
        for function in (self.scope, *self.siblings):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
                    text = self.short_text(node.func)
                    if text.partition(".")[0] in own or text.startswith("self."):
                        near.setdefault(text)
        for name in self.callables:
            spec = self.signatures.get(name)
            if spec is not None and len(self.parameters(spec)) == 1 and not name[:1].isupper():
                near.setdefault(name)
        return tuple(text for text in near if text.count(".") <= 2)

    @cached_property
    def bare_methods(self) -> tuple[str, ...]:
        """Methods called without arguments, first in this function, then in its siblings."""
        found: list[str] = []
        for function in (self.scope, *self.siblings):
            counts: Counter[str] = Counter()
            for node in ast.walk(function):
                bare = isinstance(node, ast.Call) and not node.args and not node.keywords
                if bare and isinstance(node.func, ast.Attribute):  # type: ignore[attr-defined]
                    counts[node.func.attr] += 1  # type: ignore[attr-defined]
            found += often(counts)
        return tuple(dict.fromkeys(found))

    @cached_property
    def missing_statements(self) -> tuple[str, ...]:
        """Simple statements of siblings that this function could hold and does not."""
        own = {self.module.source(node) for node in self.nodes if isinstance(node, ast.stmt)}
        counts: Counter[str] = Counter()
        for sibling in self.siblings:
            for node in ast.walk(sibling):
                if isinstance(node, SIMPLE) and not isinstance(
                    getattr(node, "value", 0), ast.Constant
                ):
                    text = self.short_text(node)
                    if text and text not in own and self.usable(node):
                        counts[text] += 1
        return often(counts)

    def parameters(self, signature: ast.arguments) -> list[str]:
        """Names that a caller can give, without `self`."""
        every = [*signature.posonlyargs, *signature.args, *signature.kwonlyargs]
        return [arg.arg for arg in every if arg.arg not in ("self", "cls")]
