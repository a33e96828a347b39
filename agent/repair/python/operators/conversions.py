"""The same thing done in another way: checks of a type, sorting, rounding, adding to a list."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator


def _function(node: ast.AST) -> str:
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


@operator("type-check", ast.Compare, ast.Call, prior=1.5)
def type_check(node: ast.Compare | ast.Call, context: Context) -> Iterator[Edit]:
    """`type(x) == T` for `isinstance(x, T)`, and the other way."""
    if isinstance(node, ast.Call):
        if _function(node) == "isinstance" and len(node.args) == 2:
            value, kind = (context.text(arg) for arg in node.args)
            yield context.rewrite(node, f"type({value}) is {kind}")
            yield context.rewrite(node, f"issubclass({value}, {kind})", 0.5)
    elif _function(node.left) == "type" and len(node.ops) == 1:
        word = "not " if isinstance(node.ops[0], ast.NotEq | ast.IsNot | ast.NotIn) else ""
        value = context.text(node.left)[len("type(") : -1]
        kinds = node.comparators[0]
        kind = context.text(kinds)
        if isinstance(kinds, ast.List | ast.Set):
            kind = f"({kind[1:-1]})"
        yield context.rewrite(node, f"{word}isinstance({value}, {kind})")


@operator("sort-style", ast.Expr, ast.Assign, ast.Return, prior=1.5)
def sort_style(node: ast.Expr | ast.Assign | ast.Return, context: Context) -> Iterator[Edit]:
    """`x.sort()` gives nothing, `sorted(x)` changes nothing; so with `reverse`."""
    call = node.value
    if not isinstance(call, ast.Call):
        return
    words = {"sort": "sorted", "reverse": "reversed"}
    back = {"sorted": "sort", "reversed": "reverse"}
    if isinstance(call.func, ast.Attribute) and call.func.attr in words:
        base = context.text(call.func.value)
        inner = context.text(call)[len(context.text(call.func)) + 1 : -1]
        other = f"{words[call.func.attr]}({', '.join(part for part in (base, inner) if part)})"
        if isinstance(node, ast.Expr):
            other = f"list({other})" if call.func.attr == "reverse" else other
            yield context.replace(node, f"{base} = {other}")
        else:
            yield context.replace(call, other, 2.0)
    elif _function(call) in back and call.args and isinstance(node, ast.Expr | ast.Assign):
        base, rest = context.text(call.args[0]), [context.text(k) for k in call.keywords]
        yield context.replace(node, f"{base}.{back[_function(call)]}({', '.join(rest)})")


@operator("decimal-rounding", ast.Call, prior=3.0)
def decimal_rounding(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`x.quantize(y)` rounds half to even; bills usually round half up."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "quantize":
        return
    given = next((k for k in node.keywords if k.arg == "rounding"), None)
    for way in ("HALF_UP", "HALF_EVEN", "DOWN", "UP", "HALF_DOWN", "FLOOR", "CEILING"):
        name = f"ROUND_{way}"
        if name not in context.imported:
            name = f"decimal.{name}" if "decimal" in context.imported else f'"{name}"'
        if given is None:
            yield context.append_argument(node, f"rounding={name}")
        elif context.text(given.value) != name:
            yield context.replace(given.value, name)


@operator("rounding", ast.Call, ast.BinOp, prior=1.2)
def rounding(node: ast.Call | ast.BinOp, context: Context) -> Iterator[Edit]:
    """Down, up, to the nearest: `int(x)`, `math.ceil(x)`, `a // b`, `-(-a // b)`."""
    known = "math" in context.imported
    if isinstance(node, ast.Call):
        name = context.text(node.func)
        if (
            name in ("int", "round", "math.floor", "math.ceil", "math.trunc")
            and len(node.args) == 1
        ):
            inner = context.text(node.args[0])
            others = ["int", "round", *(["math.floor", "math.ceil"] if known else [])]
            for other in others:
                if other != name:
                    yield context.replace(node, f"{other}({inner})")
            if isinstance(node.args[0], ast.BinOp) and isinstance(node.args[0].op, ast.Div):
                left, right = (context.atom(n) for n in (node.args[0].left, node.args[0].right))
                yield context.rewrite(node, f"{left} // {right}")
    elif isinstance(node.op, ast.FloorDiv | ast.Div):
        left, right = context.atom(node.left), context.atom(node.right)
        yield context.replace(node, f"(-(-{left} // {right}))", 0.6)
        if known:
            yield context.replace(node, f"math.ceil({left} / {right})", 0.6)


@operator("add-to-list", ast.Expr, ast.AugAssign, ast.Assign, prior=1.0)
def add_to_list(node: ast.Expr | ast.AugAssign | ast.Assign, context: Context) -> Iterator[Edit]:
    """`x += y`, `x.append(y)`, `x.extend(y)`, `x[k] = y` and `x[k].append(y)`."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        base, value = context.text(node.target), context.text(node.value)
        yield context.replace(node, f"{base}.append({value})")
        yield context.replace(node, f"{base}.extend({value})", 0.6)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        value = context.text(node.value)
        yield context.replace(node, f"{context.text(node.targets[0])}.append({value})", 0.6)
    elif (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and len(node.value.args) == 1
    ):
        func, value = node.value.func, context.text(node.value.args[0])
        if isinstance(func, ast.Attribute) and func.attr in ("append", "extend", "add"):
            yield context.replace(node, f"{context.text(func.value)} += {value}", 0.6)
            yield context.replace(node, f"{context.text(func.value)} = {value}", 0.6)
            if func.attr == "append":
                yield context.replace(node.value.args[0], f"({value},)", 0.3)


@operator("swap-sides", ast.Compare, prior=1.0)
def swap_sides(node: ast.Compare, context: Context) -> Iterator[Edit]:
    """`a in b` for `b in a`."""
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        word = "in" if isinstance(node.ops[0], ast.In) else "not in"
        left, right = context.atom(node.left), context.atom(node.comparators[0])
        yield context.replace(node, f"{right} {word} {left}")


@operator("affix-test", ast.Compare, ast.Call, prior=1.0)
def affix_test(node: ast.Compare | ast.Call, context: Context) -> Iterator[Edit]:
    """`x == s`, `s in x`, `x.startswith(s)`: how a text is looked for in another."""
    if isinstance(node, ast.Call):
        func = node.func
        if (
            isinstance(func, ast.Attribute)
            and func.attr in ("startswith", "endswith")
            and node.args
        ):
            whole, piece = context.atom(func.value), context.atom(node.args[0])
            yield context.rewrite(node, f"{piece} in {whole}")
            yield context.rewrite(node, f"{whole} == {piece}")
    elif len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.In):
        left, right = node.left, node.comparators[0]
        contains = isinstance(node.ops[0], ast.In) and not _texts(right)
        value, part = (right, left) if contains else (left, right)
        if _texts(part) or (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            for method in ("startswith", "endswith"):
                yield context.replace(node, f"{context.atom(value)}.{method}({context.text(part)})")


def _texts(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple) and all(
        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in node.elts
    )


@operator("clamp", ast.Call, ast.Return, ast.Assign, prior=1.0)
def clamp(node: ast.Call | ast.Return | ast.Assign, context: Context) -> Iterator[Edit]:
    """A number that must not fall below zero or one."""
    values = node.args if isinstance(node, ast.Call) else [node.value]
    for value in values:
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub | ast.FloorDiv | ast.Div):
            for least in ("0", "1"):
                yield context.replace(value, f"max({least}, {context.text(value)})")
