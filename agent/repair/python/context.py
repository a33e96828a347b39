"""What an operator may know about the place that it edits."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from agent.repair.edit import Edit
from agent.repair.python.parsed import Function
from agent.repair.python.scope import Scope

ATOMS = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)
"""Expressions that stay whole next to any operator."""

PARTS = (ast.expr, ast.keyword, ast.comprehension)
"""What an expression may be a part of that is itself in an expression."""

LOOSE = (ast.stmt, ast.keyword, ast.comprehension, ast.List, ast.Dict, ast.Set, ast.Tuple)
"""Parents in which any expression may stand without parentheses."""


class Context(Scope):
    """A scope with the means to edit it."""

    def within(self, function: Function) -> Context:
        """The same file and evidence, seen from a function inside this one."""
        return Context(self.module, function, self.neighbours, self.errors, self.expected)

    # -- text ------------------------------------------------------------------------------

    def text(self, node: ast.AST) -> str:
        return self.module.source(node)

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self.module.parents.get(node)

    def atom(self, node: ast.expr) -> str:
        """The node's text, in parentheses unless it binds tighter than any operator."""
        text = self.text(node)
        return text if isinstance(node, ATOMS) else f"({text})"

    def line(self, node: ast.AST) -> int:
        return self.module.line_of(self.module.start(node))

    def replace(self, node: ast.AST, text: str, weight: float = 1.0) -> Edit:
        """Put `text`, which must bind tightly enough, in the node's place.

        Parentheses around all of it are left out where the code means the same without them.
        """
        module = self.module
        start, end = module.start(node), module.end(node)
        if _bracketed(text) and self._is_same(node, text, text[1:-1]):
            text = text[1:-1]
        return Edit(start, end, text, weight=weight, line=self.line(node))

    def rewrite(self, node: ast.expr, text: str, weight: float = 1.0) -> Edit:
        """Put an expression of any precedence in the node's place, parenthesised where needed."""
        parent = self.parent(node)
        loose = isinstance(parent, LOOSE) or (
            isinstance(parent, ast.Call) and node is not parent.func
        )
        loose = loose or (isinstance(parent, ast.Subscript) and node is parent.slice)
        return self.replace(
            node, text if loose or self._in_parentheses(node) else f"({text})", weight
        )

    def append_argument(self, call: ast.Call, text: str, weight: float = 1.0) -> Edit:
        """Put one more argument behind those of a call."""
        module, end = self.module, self.module.end(call) - 1
        last = max((module.end(n) for n in (*call.args, *call.keywords)), default=0)
        if not last:
            return Edit(end, end, text, weight=weight, line=self.line(call))
        generator = len(call.args) == 1 and isinstance(call.args[0], ast.GeneratorExp)
        if generator and last == module.end(call):
            own = module.text[module.start(call.args[0]) : last]
            return self.replace(call.args[0], f"({own}, {text})", weight)
        return Edit(last, last, f", {text}", weight=weight, line=self.line(call))

    def between(self, left: ast.AST, right: ast.AST, old: str, new: str) -> tuple[int, int] | None:
        """Offsets of the operator `old` between two operands, comments skipped."""
        del new
        start, end = self.module.end(left), self.module.start(right)
        position = start
        while position < end:
            if self.module.text[position] == "#":
                position = self.module.line_end(self.module.line_of(position))
            elif self.module.text.startswith(old, position):
                return position, position + len(old)
            else:
                position += 1
        return None

    def swap_token(
        self, left: ast.AST, right: ast.AST, old: str, new: str, weight: float = 1.0
    ) -> Iterator[Edit]:
        """Replace the operator that stands between two operands."""
        found = self.between(left, right, old, new)
        if found:
            yield Edit(*found, new, weight=weight, line=self.module.line_of(found[0]))

    def _is_same(self, node: ast.AST, text: str, other: str) -> bool:
        """Whether either text in the node's place makes the same of the expression around it."""
        root, parent = node, self.parent(node)
        while isinstance(parent, PARTS):
            root, parent = parent, self.parent(parent)
        if not isinstance(node, ast.expr) or isinstance(parent, ast.FormattedValue):
            return False
        module = self.module
        before = module.text[module.start(root) : module.start(node)]
        after = module.text[module.end(node) : module.end(root)]
        try:
            trees = [ast.parse(f"({before}{one}{after})", mode="eval") for one in (text, other)]
        except SyntaxError:
            return False
        if root is node and isinstance(trees[0].body, ast.Tuple | ast.GeneratorExp):
            return False  # not every statement takes these bare
        return ast.dump(trees[0]) == ast.dump(trees[1])

    def _in_parentheses(self, node: ast.AST) -> bool:
        text = self.module.text
        before = text[: self.module.start(node)].rstrip(" \t")
        after = text[self.module.end(node) :].lstrip(" \t")
        return before.endswith("(") and after.startswith(")") and not before[:-1][-1:].isalnum()

    # -- statements ------------------------------------------------------------------------

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statement list that a statement stands in, itself included."""
        parent = self.parent(statement)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(parent, field, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    def whole_lines(self, statement: ast.stmt) -> tuple[int, int] | None:
        """Offsets of the statement's lines; None when it shares one with something else."""
        module = self.module
        start, end = module.start(statement), module.end(statement)
        first, last = module.line_of(start), module.line_of(end)
        line_start, line_end = module.line_start(first), module.line_end(last)
        rest = module.text[end:line_end].strip()
        if module.text[line_start:start].strip() or (rest and not rest.startswith("#")):
            return None
        return line_start, line_end

    def insert_before(
        self, statement: ast.stmt, lines: list[str], weight: float = 1.0
    ) -> Iterator[Edit]:
        """Put lines, indented like the statement, in front of it."""
        whole = self.whole_lines(statement)
        if whole:
            yield Edit(
                whole[0],
                whole[0],
                self.laid_out(statement, lines),
                weight=weight,
                line=self.line(statement),
            )

    def insert_after(
        self, statement: ast.stmt, lines: list[str], weight: float = 1.0
    ) -> Iterator[Edit]:
        """Put lines, indented like the statement, behind it."""
        whole = self.whole_lines(statement)
        if not whole:
            return
        text = self.laid_out(statement, lines)
        if not self.module.text[: whole[1]].endswith(("\n", "\r")):
            text = self.module.newline + text.removesuffix(self.module.newline)
        last = self.module.line_of(max(whole[0], whole[1] - 1))
        yield Edit(whole[1], whole[1], text, weight=weight, line=last)

    def enclose(
        self, statement: ast.stmt, header: str, tail: Sequence[str] = (), weight: float = 1.0
    ) -> Iterator[Edit]:
        """Put a statement of one line into a block of its own, `tail` behind the block."""
        whole = self.whole_lines(statement)
        if not whole or "\n" in self.text(statement):
            return
        body = self.module.text[whole[0] : whole[1]]
        if tail and not body.endswith(("\n", "\r")):
            return
        head = self.laid_out(statement, [header]) + self.step(statement)
        text = head + body + self.laid_out(statement, tail)
        yield Edit(*whole, text, weight=weight, line=self.line(statement))

    def laid_out(self, statement: ast.stmt, lines: Sequence[str]) -> str:
        indent, newline = self.module.indent(statement), self.module.newline
        return "".join(f"{indent}{line}{newline}" for line in lines)

    def step(self, statement: ast.stmt) -> str:
        """One level of indentation as this file writes it."""
        for ancestor in self.module.ancestors(statement):
            if isinstance(ancestor, ast.stmt):
                outer, inner = self.module.indent(ancestor), self.module.indent(statement)
                if inner.startswith(outer) and len(inner) > len(outer):
                    return inner[len(outer) :]
        return "    "


def _bracketed(text: str) -> bool:
    """Whether parentheses around a text of one line could be spared."""
    inside = text[1:-1]
    return (
        (text[:1], text[-1:]) == ("(", ")")
        and "\n" not in inside
        and ":=" not in inside
        and "yield" not in inside
    )
