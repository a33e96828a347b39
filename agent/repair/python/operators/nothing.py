"""`None`, empty and missing values: told apart too little or too much, or not expected at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.booleans import CONDITIONAL, conditions
from agent.repair.python.operators.registry import operator

VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)


def leaves(test: ast.expr) -> Iterator[ast.expr]:
    """What `and` and `or` join in a condition."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from leaves(value)
    else:
        yield test


@operator("truth-or-none", *CONDITIONAL, ast.Return, prior=3.0)
def truth_or_none(node: ast.AST, context: Context) -> Iterator[Edit]:
    """`if x` for `if x is not None`, `not x` for `x is None`, and the other way."""
    tests = conditions(node)
    if isinstance(node, ast.Return) and isinstance(node.value, ast.BoolOp):
        tests = [node.value]
    for leaf in (leaf for test in tests for leaf in leaves(test)):
        if isinstance(leaf, VALUES):
            yield context.rewrite(leaf, f"{context.text(leaf)} is not None")
            yield context.rewrite(leaf, f"{context.text(leaf)} is None", 0.3)
        elif isinstance(leaf, ast.UnaryOp) and isinstance(leaf.op, ast.Not):
            if isinstance(leaf.operand, VALUES):
                yield context.rewrite(leaf, f"{context.text(leaf.operand)} is None")
        elif isinstance(leaf, ast.Compare) and len(leaf.ops) == 1:
            yield from _as_truth(leaf, context)


def _as_truth(leaf: ast.Compare, context: Context) -> Iterator[Edit]:
    """`x is None`, `x == ""`, `len(x) == 0` as `not x`; their opposites as `x`."""
    other, value = leaf.comparators[0], context.atom(leaf.left)
    if not isinstance(other, ast.Constant) or other.value not in (None, 0, "", False, True):
        return
    if isinstance(leaf.left, ast.Call) and getattr(leaf.left.func, "id", "") == "len":
        value = context.atom(leaf.left.args[0]) if leaf.left.args else value
    if isinstance(leaf.ops[0], ast.Is | ast.Eq):
        yield context.rewrite(leaf, f"not {value}")
    if isinstance(leaf.ops[0], ast.IsNot | ast.NotEq | ast.Gt) or other.value is True:
        yield context.replace(leaf, value)


@operator("or-default", ast.BoolOp, prior=1.5)
def or_default(node: ast.BoolOp, context: Context) -> Iterator[Edit]:
    """`x or y` replaces 0 and "" as well: `x if x is not None else y`."""
    if isinstance(node.op, ast.Or) and len(node.values) == 2:
        value, default = (context.atom(part) for part in node.values)
        yield context.rewrite(node, f"{value} if {value} is not None else {default}")


@operator("missing-default", ast.Call, prior=1.5)
def missing_default(node: ast.Call, context: Context) -> Iterator[Edit]:
    """What ends with an exception where nothing is there: `pop(k)`, `next(i)`, `getattr(o, a)`."""
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    wanted = {"next": 1, "pop": 1, "getattr": 2, "get": 1, "max": 1, "min": 1, "sum": 1}.get(name)
    if wanted != len(node.args) or node.keywords:
        return
    word = "default=" if name in ("max", "min") else ""
    defaults = ("0", "None") if word else ("None", "0", '""', "[]", "{}", "False")
    for rank, default in enumerate(defaults):
        yield context.append_argument(node, word + default, 1.0 / (1 + 0.4 * rank))


@operator("default-lookup", ast.Call, prior=1.5)
def default_lookup(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`d.get(k)` for `d[k]`, `d.get(k, x)` for `d.get(k) or x`."""
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr == "get" and node.args and not node.keywords:
        base, key = context.atom(func.value), context.text(node.args[0])
        yield context.replace(node, f"{base}[{key}]")
        if len(node.args) == 2:
            default = context.atom(node.args[1])
            yield context.rewrite(node, f"{base}.get({key}) or {default}")
            yield context.replace(node, f"{base}.get({key})", 0.6)


@operator("set-default", ast.Assign, ast.Delete, prior=1.0)
def set_default(node: ast.Assign | ast.Delete, context: Context) -> Iterator[Edit]:
    """`d[k] = v` for `d.setdefault(k, v)`, `del d[k]` for `d.pop(k, None)`."""
    if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Subscript):
        return
    base, key = context.atom(node.targets[0].value), context.text(node.targets[0].slice)
    if isinstance(node, ast.Delete):
        yield context.replace(node, f"{base}.pop({key}, None)")
    else:
        yield context.replace(node, f"{base}.setdefault({key}, {context.text(node.value)})")


@operator("optional-attribute", ast.Attribute, ast.Call, prior=1.0)
def optional_attribute(node: ast.Attribute | ast.Call, context: Context) -> Iterator[Edit]:
    """`x.y` where `x` may be None, or may have no `y`."""
    parent = context.parent(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    is_function = isinstance(parent, ast.Call) and parent.func is node
    if isinstance(node, ast.Attribute) and isinstance(node.value, VALUES) and not is_function:
        base = context.text(node.value)
        if base != "self":
            yield context.replace(node, f'getattr({base}, "{node.attr}", None)')
    if not isinstance(parent, ast.Return | ast.Assign | ast.Call | ast.keyword):
        return
    func = node.func if isinstance(node, ast.Call) else node
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name | ast.Attribute):
        base, text = context.text(func.value), context.text(node)
        if base not in ("self", "cls") and not is_function:
            yield context.rewrite(node, f"{text} if {base} else None")
            yield context.rewrite(node, f"{base} and {text}", 0.4)


@operator("guard-operand", *CONDITIONAL, prior=1.5)
def guard_operand(node: ast.AST, context: Context) -> Iterator[Edit]:
    """A condition that looks into something which may be None or empty."""
    for leaf in (leaf for test in conditions(node) for leaf in leaves(test)):
        bases = [
            context.text(part.value)
            for part in ast.walk(leaf)
            if isinstance(part, ast.Attribute | ast.Subscript)
            and isinstance(part.value, ast.Name | ast.Attribute)
        ]
        bases += [
            context.text(argument)
            for part in ast.walk(leaf)
            if isinstance(part, ast.Call)
            for argument in part.args
            if isinstance(argument, ast.Name | ast.Attribute)
        ]
        for base in [b for b in dict.fromkeys(bases) if b not in ("self", "cls")][:3]:
            own = context.text(leaf)
            yield context.rewrite(leaf, f"{base} and {own}")
            yield context.rewrite(leaf, f"{base} is not None and {own}", 0.8)
            yield context.rewrite(leaf, f"not {base} or {own}", 0.6)
            yield context.rewrite(leaf, f"{base} is None or {own}", 0.6)
