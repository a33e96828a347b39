"""Arithmetic and bit operations: another operator, swapped, missing or superfluous operands."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator

SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.MatMult: "@",
}

ALTERNATIVES: dict[str, dict[str, float]] = {
    "+": {"-": 2.0, "*": 1.0, "/": 0.2, "%": 0.2, "|": 0.1},
    "-": {"+": 2.0, "*": 0.4, "/": 0.3, "//": 0.2, "%": 0.3},
    "*": {"/": 1.2, "+": 1.0, "**": 0.8, "//": 0.6, "-": 0.3, "%": 0.2},
    "/": {"*": 1.5, "//": 2.0, "%": 0.6, "-": 0.2, "+": 0.2},
    "//": {"/": 2.0, "%": 1.2, "*": 0.6},
    "%": {"//": 1.2, "/": 0.8, "*": 0.2, "+": 0.2},
    "**": {"*": 1.5},
    "&": {"|": 1.5, "^": 1.2},
    "|": {"&": 1.5, "^": 1.2, "+": 0.2},
    "^": {"&": 1.2, "|": 1.2, "**": 1.5},
    "<<": {">>": 1.5},
    ">>": {"<<": 1.5},
    "@": {"*": 1.0},
}


def nested_text(node: ast.AST, context: Context) -> bool:
    """Whether the operands sit in a formatting `%` of a string literal."""
    return isinstance(node, ast.Constant | ast.JoinedStr) and context.text(node)[-1:] in "'\""


@operator("swap-arithmetic", ast.BinOp, prior=5.0)
def swap_arithmetic(node: ast.BinOp, context: Context) -> Iterator[Edit]:
    if nested_text(node.left, context) and isinstance(node.op, ast.Mod):
        return
    old = SYMBOLS[type(node.op)]
    for new, weight in ALTERNATIVES[old].items():
        yield from context.swap_token(node.left, node.right, old, new, weight)


@operator("swap-augmented", ast.AugAssign, prior=4.0)
def swap_augmented(node: ast.AugAssign, context: Context) -> Iterator[Edit]:
    old = SYMBOLS[type(node.op)]
    for new, weight in ALTERNATIVES[old].items():
        yield from context.swap_token(node.target, node.value, f"{old}=", f"{new}=", weight)
    yield from context.swap_token(node.target, node.value, f"{old}=", "=", 0.8)


@operator("assign-or-add", ast.Assign, prior=1.5)
def assign_or_add(node: ast.Assign, context: Context) -> Iterator[Edit]:
    """`x = y` where `x += y` was meant."""
    if len(node.targets) == 1 and not isinstance(node.targets[0], ast.Tuple):
        for new, weight in (("+=", 1.5), ("-=", 0.5), ("*=", 0.4), ("|=", 0.2)):
            yield from context.swap_token(node.targets[0], node.value, "=", new, weight)


@operator("accumulate-item", ast.Assign, prior=0.4)
def accumulate_item(node: ast.Assign, context: Context) -> Iterator[Edit]:
    """`x[k] = y` where it was meant to be added to what is there, or to be one of several."""
    [target, *others] = node.targets
    if others or not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Slice):
        return
    item, held, key = (context.text(part) for part in (target, target.value, target.slice))
    if isinstance(target.slice, ast.Tuple):
        key = f"({key})"
    value = context.atom(node.value)
    text = f"{item} + {value} if {key} in {held} else {context.text(node.value)}"
    yield context.replace(node.value, text)
    yield context.replace(node, f"{held}.setdefault({key}, []).append({context.text(node.value)})")


@operator("swap-operands", ast.BinOp, prior=2.0)
def swap_operands(node: ast.BinOp, context: Context) -> Iterator[Edit]:
    commutes = isinstance(node.op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor)
    if not commutes:
        middle = context.module.text[
            context.module.end(node.left) : context.module.start(node.right)
        ]
        if not set(middle) & set("()#"):
            text = f"{context.atom(node.right)}{middle}{context.atom(node.left)}"
            yield context.replace(node, text)


@operator("drop-operand", ast.BinOp, prior=2.0)
def drop_operand(node: ast.BinOp, context: Context) -> Iterator[Edit]:
    yield context.replace(node, context.atom(node.left))
    yield context.replace(node, context.atom(node.right), 0.5)


@operator("regroup", ast.BinOp, prior=1.2)
def regroup(node: ast.BinOp, context: Context) -> Iterator[Edit]:
    """`a + b * c` for `(a + b) * c`, and the other way."""
    if isinstance(node.right, ast.BinOp):
        outer, inner = SYMBOLS[type(node.op)], SYMBOLS[type(node.right.op)]
        a, b, c = (context.atom(n) for n in (node.left, node.right.left, node.right.right))
        yield context.replace(node, f"(({a} {outer} {b}) {inner} {c})")
    if isinstance(node.left, ast.BinOp):
        inner, outer = SYMBOLS[type(node.left.op)], SYMBOLS[type(node.op)]
        a, b, c = (context.atom(n) for n in (node.left.left, node.left.right, node.right))
        yield context.replace(node, f"({a} {inner} ({b} {outer} {c}))")


@operator("absolute", ast.BinOp, prior=1.5)
def absolute(node: ast.BinOp, context: Context) -> Iterator[Edit]:
    if isinstance(node.op, ast.Sub):
        yield context.replace(node, f"abs({context.text(node)})")


@operator("percent", ast.BinOp, prior=1.0)
def percent(node: ast.BinOp, context: Context) -> Iterator[Edit]:
    """A rate in percent taken as a share, or a share as a rate."""
    if isinstance(node.op, ast.Mult | ast.Div):
        left, right = context.atom(node.left), context.atom(node.right)
        yield context.replace(node, f"({left} * {right} / 100)")
        yield context.replace(node, f"({left} / {right} * 100)")
        yield context.replace(node, f"({left} * (1 + {right} / 100))", 0.5)


@operator("drop-sign", ast.UnaryOp, prior=1.5)
def drop_sign(node: ast.UnaryOp, context: Context) -> Iterator[Edit]:
    if isinstance(node.op, ast.USub | ast.Invert):
        yield context.replace(node, context.atom(node.operand))
    if isinstance(node.op, ast.Invert):
        yield context.rewrite(node, f"not {context.atom(node.operand)}")


NUMERIC = (ast.Name, ast.Attribute, ast.BinOp, ast.Subscript, ast.Call)


@operator("term-off-by-one", ast.Return, ast.Assign, ast.AugAssign, ast.Call, ast.BinOp, prior=1.5)
def term_off_by_one(node: ast.AST, context: Context) -> Iterator[Edit]:
    """A value one too small or too large: returned, assigned, passed or an operand."""
    for value in _values(node):
        if isinstance(value, NUMERIC) and not _textual(value):
            text = context.text(value) if isinstance(value, ast.BinOp) else context.atom(value)
            yield context.rewrite(value, f"{text} + 1")
            yield context.rewrite(value, f"{text} - 1")


@operator("negate-value", ast.Return, ast.Call, prior=0.5)
def negate_value(node: ast.AST, context: Context) -> Iterator[Edit]:
    for value in _values(node):
        if isinstance(value, NUMERIC) and not _textual(value):
            yield context.rewrite(value, f"-{context.atom(value)}")


@operator("round-value", ast.Return, prior=0.6)
def round_value(node: ast.Return, context: Context) -> Iterator[Edit]:
    if isinstance(node.value, NUMERIC) and not _textual(node.value):
        text = context.text(node.value)
        yield context.replace(node.value, f"round({text}, 2)")
        yield context.replace(node.value, f"round({text})", 0.6)
        yield context.replace(node.value, f"int({text})", 0.6)


def _values(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        return [arg for arg in node.args if not isinstance(arg, ast.Starred)]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    value = getattr(node, "value", None)
    return [value] if isinstance(value, ast.expr) else []


def _textual(node: ast.AST) -> bool:
    """Whether an expression plainly yields text, to which nothing is added."""
    if isinstance(node, ast.BinOp):
        return _textual(node.left) or _textual(node.right)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return isinstance(node, ast.JoinedStr)
