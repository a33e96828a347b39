"""Where operators are written down: a name, what they edit, and how usual such a fix is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.repair.edit import Edit
from agent.repair.python.context import Context

Body = Callable[..., Iterator[Edit]]


@dataclass(frozen=True)
class Operator:
    name: str
    kinds: tuple[type[ast.AST], ...]
    prior: float
    """Share of small real fixes that this kind of edit makes, roughly; only the order matters."""
    body: Body

    def edits(self, node: ast.AST, context: Context) -> Iterator[Edit]:
        """Edits of one node; the prior is spread thinner the more alternatives there are."""
        found = list(self.body(node, context))
        share = self.prior / max(1.0, len(found) ** 0.5)
        for edit in found:
            yield Edit(edit.start, edit.end, edit.text, self.name, share * edit.weight, edit.line)


OPERATORS: list[Operator] = []


def operator(name: str, *kinds: type[ast.AST], prior: float) -> Callable[[Body], Body]:
    """Register `(node, context) -> Iterator[Edit]` for nodes of the given types."""

    def register(body: Body) -> Body:
        OPERATORS.append(Operator(name, kinds, prior, body))
        return body

    return register
