"""A parsed Python source text with exact character offsets."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache

LINE_END = re.compile(r"\r\n|\r|\n")
BOM = "\ufeff"
SURROGATES = re.compile("[\ud800-\udfff]")
"""Bytes of another encoding, as the workspace decodes them."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parse(text: str) -> ast.Module | None:
    """The syntax tree, or None for whatever Python would refuse. Never warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(SURROGATES.sub("\u00ff", text).removeprefix(BOM))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


class Parsed:
    """A source text, its tree, and the way from nodes to character offsets.

    The parser counts columns in UTF-8 bytes, reads every kind of line end as one, and does not
    know a byte order mark; offsets here are characters of the text as given.
    """

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text = text
        self.tree = tree
        first = 1 if text.startswith(BOM) else 0
        self.line_starts = [first, *(match.end() for match in LINE_END.finditer(text))]
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    def offset(self, line: int, column: int) -> int:
        """Character offset of a 1-based line and a 0-based column in UTF-8 bytes."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        content = self.text[start:end]
        if content.isascii():
            return start + column
        encoded = SURROGATES.sub("\u00ff", content).encode()
        return start + len(encoded[:column].decode(errors="ignore"))

    def start(self, node: ast.AST) -> int:
        """Where a node begins; a decorated definition begins at its first `@`."""
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            return self.text.rindex("@", 0, self._position(decorators[0])[0])
        return self._position(node)[0]

    def end(self, node: ast.AST) -> int:
        return self._position(node)[1]

    def source(self, node: ast.AST) -> str:
        return self.text[self.start(node) : self.end(node)]

    def _position(self, node: ast.AST) -> tuple[int, int]:
        if not isinstance(node, ast.expr | ast.stmt | ast.excepthandler | ast.arg | ast.keyword):
            raise TypeError(f"{type(node).__name__} has no position")
        if node.end_lineno is None or node.end_col_offset is None:
            raise TypeError(f"{type(node).__name__} has no end")
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def line_of(self, offset: int) -> int:
        """1-based line that holds a character."""
        low, high = 0, len(self.line_starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self.line_starts[middle] <= offset:
                low = middle
            else:
                high = middle
        return low + 1

    def line_start(self, line: int) -> int:
        return self.line_starts[line - 1]

    def line_end(self, line: int) -> int:
        """Past the line's own line end."""
        return self.line_starts[line] if line < len(self.line_starts) else len(self.text)

    def indent(self, node: ast.stmt) -> str:
        """White space before a statement, empty when something else stands before it."""
        start = self.start(node)
        before = self.text[self.line_start(self.line_of(start)) : start]
        return before if not before.strip() else ""

    @property
    def newline(self) -> str:
        match = LINE_END.search(self.text)
        return match.group() if match else "\n"

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Parents of a node, innermost first."""
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)


@lru_cache(maxsize=32)
def parsed(text: str) -> Parsed | None:
    """Parse a text once; None when it does not parse."""
    tree = parse(text)
    return None if tree is None else Parsed(text, tree)


def definitions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Functions and classes below a node with their dotted names, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            name = f"{prefix}{child.name}"
            yield name, child
            yield from definitions(child, name + ".")
        else:
            yield from definitions(child, prefix)


def parse_fragment(text: str) -> ast.Module | None:
    """Parse whole lines that may be indented as they stand inside a block."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first[:1] in (" ", "\t"):
        return parse("if 1:\n" + text)
    return parse(text)
