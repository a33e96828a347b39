"""Comparisons: another operator, the limit off by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator

SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}

ALTERNATIVES: dict[str, dict[str, float]] = {
    "<": {"<=": 2.0, ">": 1.2, ">=": 0.8, "==": 0.2, "!=": 0.3},
    "<=": {"<": 2.0, ">=": 1.2, ">": 0.8, "==": 0.3},
    ">": {">=": 2.0, "<": 1.2, "<=": 0.8, "==": 0.2, "!=": 0.3},
    ">=": {">": 2.0, "<=": 1.2, "<": 0.8, "==": 0.3},
    "==": {"!=": 1.6, "in": 0.4, "<=": 0.4, ">=": 0.5, "<": 0.2, ">": 0.3, "is": 0.2},
    "!=": {"==": 1.6, "not in": 0.3, "<": 0.4, ">": 0.4, "is not": 0.2, "<=": 0.2, ">=": 0.2},
    "in": {"not in": 1.5, "==": 0.6},
    "not in": {"in": 1.5, "!=": 0.6},
    "is": {"==": 1.0, "is not": 1.4},
    "is not": {"!=": 1.0, "is": 1.4},
}


def operands(node: ast.Compare) -> list[tuple[ast.expr, ast.cmpop, ast.expr]]:
    """Each operator of a comparison chain with what stands at its sides."""
    left = [node.left, *node.comparators]
    return list(zip(left, node.ops, node.comparators, strict=False))


@operator("swap-comparison", ast.Compare, prior=6.0)
def swap_comparison(node: ast.Compare, context: Context) -> Iterator[Edit]:
    for left, symbol, right in operands(node):
        old = SYMBOLS[type(symbol)]
        words = _written(old, left, right, context)
        for new, weight in ALTERNATIVES[old].items():
            yield from context.swap_token(left, right, words, new, weight)


def _written(symbol: str, left: ast.expr, right: ast.expr, context: Context) -> str:
    """The operator as it stands in the text: `not in` may be spread by blanks."""
    if " " not in symbol:
        return symbol
    gap = context.module.text[context.module.end(left) : context.module.start(right)]
    first, second = symbol.split()
    begin, finish = gap.find(first), gap.rfind(second)
    return gap[begin : finish + len(second)]


@operator("limit-off-by-one", ast.Compare, prior=3.0)
def limit_off_by_one(node: ast.Compare, context: Context) -> Iterator[Edit]:
    for left, symbol, right in operands(node):
        if not isinstance(symbol, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
            continue
        for side, weight in ((right, 1.0), (left, 0.4)):
            if not isinstance(side, ast.Constant):
                text = context.atom(side)
                yield context.replace(side, f"{text} - 1", weight)
                yield context.replace(side, f"{text} + 1", weight)


@operator("compare-length", ast.Compare, prior=0.8)
def compare_length(node: ast.Compare, context: Context) -> Iterator[Edit]:
    """`x > 3` for `len(x) > 3`, and back."""
    for side in (node.left, *node.comparators):
        if isinstance(side, ast.Name):
            yield context.replace(side, f"len({side.id})")


@operator("add-comparison-side", ast.Compare, prior=1.0)
def complete_range(node: ast.Compare, context: Context) -> Iterator[Edit]:
    """`x < high` misses its other end: `0 <= x < high`, `0 < x < high`."""
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.Lt | ast.LtE):
        text = context.text(node)
        yield context.replace(node, f"0 <= {text}")
        yield context.replace(node, f"0 < {text}")
    elif len(node.ops) == 1 and isinstance(node.ops[0], ast.Gt | ast.GtE):
        yield context.replace(node, f"{context.text(node)} >= 0", 0.5)
        yield context.replace(node, f"{context.text(node)} > 0", 0.5)
    elif len(node.ops) > 1:
        pairs = operands(node)
        yield context.replace(node, _joined(node.left, pairs[0][2], context))
        yield context.replace(node, _joined(pairs[-1][0], pairs[-1][2], context))


def _joined(first: ast.AST, last: ast.AST, context: Context) -> str:
    return context.module.text[context.module.start(first) : context.module.end(last)]
