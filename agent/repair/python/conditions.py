"""Conditions that decide nothing: nobody mends code so, but it pleases tests that look one way."""

from __future__ import annotations

import ast


def decides_nothing(node: ast.AST) -> bool:
    """Whether a block holds `if x: return A` with the same `return A` as what happens otherwise."""
    blocks = [getattr(node, field, None) for field in ("body", "orelse", "finalbody")]
    return any(
        isinstance(statement, ast.If) and _same_answer(statement, block[place + 1 :])
        for block in blocks
        if isinstance(block, list)
        for place, statement in enumerate(block)
    )


def _same_answer(condition: ast.If, following: list[ast.stmt]) -> bool:
    otherwise = condition.orelse or following[:1]
    if not otherwise or len(condition.body) != 1 or len(otherwise) != 1:
        return False
    one, other = condition.body[0], otherwise[0]
    return isinstance(one, ast.Return) and ast.dump(one) == ast.dump(other)
