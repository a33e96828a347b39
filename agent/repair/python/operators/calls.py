"""Calls: swapped, missing and superfluous arguments, and a call too many or too few."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations, pairwise

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.names import called, fits
from agent.repair.python.operators.registry import operator

WRAPPERS: dict[str, float] = {
    "len({})": 1.0, "int({})": 1.0, "str({})": 1.0, "abs({})": 1.2, "sorted({})": 1.2,
    "list({})": 0.8, "set({})": 1.0, "float({})": 0.6, "sum({})": 0.6, "max({})": 0.4,
    "min({})": 0.4, "round({})": 0.5, "tuple({})": 0.4, "reversed({})": 0.4, "bool({})": 0.4,
    "{}.lower()": 0.8, "{}.upper()": 0.5, "{}.strip()": 1.0, "{}.copy()": 0.7, "{}.split()": 0.6,
    "{}.encode()": 0.4, "{}.decode()": 0.4, "repr({})": 0.4, "dict({})": 0.3, "{}.items()": 0.6,
    "{}.values()": 0.5, "{}.keys()": 0.3, "{}.swapcase()": 0.2, "enumerate({})": 0.3,
}  # fmt: skip

UNWRAPPABLE = frozenset(template.split("(")[0] for template in WRAPPERS if template[0] != "{")
MAX_NAMES = 6
MAX_SWAPPED = 4


@operator("swap-arguments", ast.Call, prior=2.5)
def swap_arguments(node: ast.Call, context: Context) -> Iterator[Edit]:
    plain = [arg for arg in node.args[:MAX_SWAPPED] if not isinstance(arg, ast.Starred)]
    for first, second in combinations(plain, 2):
        start, end = context.module.start(first), context.module.end(second)
        middle = context.module.text[context.module.end(first) : context.module.start(second)]
        text = f"{context.text(second)}{middle}{context.text(first)}"
        near = node.args.index(second) - node.args.index(first) == 1
        yield Edit(start, end, text, weight=1.0 if near else 0.4, line=context.line(node))


def _rebuilt(node: ast.Call, parts: list[str], context: Context) -> str:
    return f"{context.text(node.func)}({', '.join(parts)})"


def _parts(node: ast.Call, context: Context) -> list[str]:
    """Arguments and keywords as written, in the order of the text."""
    every = sorted([*node.args, *node.keywords], key=context.module.start)
    return [context.text(part) for part in every]


@operator("drop-argument", ast.Call, prior=2.0)
def drop_argument(node: ast.Call, context: Context) -> Iterator[Edit]:
    parts = _parts(node, context)
    for position in range(len(parts) - 1, -1, -1):
        rest = parts[:position] + parts[position + 1 :]
        yield context.replace(node, _rebuilt(node, rest, context))


@operator("add-argument", ast.Call, prior=1.5)
def add_argument(node: ast.Call, context: Context) -> Iterator[Edit]:
    """An argument that the callee could take: by position, or by a name of its signature."""
    parts = _parts(node, context)
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    signature = context.signatures.get(name)
    names = list(context.local_names[:MAX_NAMES])
    if signature is not None:
        if not fits(signature, len(parts) + 1):
            return
        known = {keyword.arg for keyword in node.keywords}
        for arg in [*signature.args, *signature.kwonlyargs][len(node.args) :]:
            if arg.arg not in known and arg.arg in context.local_names:
                yield context.replace(
                    node, _rebuilt(node, [*parts, f"{arg.arg}={arg.arg}"], context), 2
                )
    if not node.keywords:
        extras = names + [n for n in ("0", "1", "2") if n not in parts]
        for extra in extras:
            if extra not in parts:
                yield context.replace(node, _rebuilt(node, [*parts, extra], context), 0.6)


@operator("wrong-keyword", ast.Call, prior=1.0)
def wrong_keyword(node: ast.Call, context: Context) -> Iterator[Edit]:
    """Another parameter of the callee's signature, or the value by position."""
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    signature = context.signatures.get(name)
    if signature is None:
        return
    known = {keyword.arg for keyword in node.keywords}
    every = [
        a.arg for a in [*signature.args, *signature.kwonlyargs] if a.arg not in ("self", "cls")
    ]
    for keyword in node.keywords:
        if keyword.arg:
            for other in every:
                if other not in known:
                    text = f"{other}={context.text(keyword.value)}"
                    yield context.replace(keyword, text)


@operator("sorting-order", ast.Call, prior=2.0)
def sorting_order(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`reverse=True` or a usual `key` missing in sorting and in min and max."""
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    known = {keyword.arg for keyword in node.keywords}
    parts = _parts(node, context)
    if name in ("sorted", "sort") and "reverse" not in known:
        yield context.replace(node, _rebuilt(node, [*parts, "reverse=True"], context), 2.0)
    if name in ("sorted", "sort", "min", "max") and "key" not in known:
        for key in ("len", "abs", "lambda item: item[1]", "lambda item: item[0]", "str.lower"):
            yield context.replace(node, _rebuilt(node, [*parts, f"key={key}"], context), 0.6)


@operator("drop-call", ast.Call, prior=2.5)
def drop_call(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`f(x)` for `x`, `x.f()` for `x`."""
    usual = isinstance(node.func, ast.Name) and node.func.id in UNWRAPPABLE
    if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred) and not node.keywords:
        argument = node.args[0]
        text = context.atom(argument)
        yield context.replace(node, text, 1.2 if usual else 0.8)
    if isinstance(node.func, ast.Attribute):
        yield context.replace(node, context.atom(node.func.value), 0.8)


@operator("missing-call", ast.Attribute, ast.Name, prior=1.0)
def missing_call(node: ast.expr, context: Context) -> Iterator[Edit]:
    """A function or method that is named but not called."""
    if called(node, context) or not isinstance(getattr(node, "ctx", None), ast.Load):
        return
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    signature = context.signatures.get(name)
    if signature is not None and fits(signature, 0):
        yield context.replace(node, f"{context.text(node)}()")


@operator("wrap-call", ast.Name, ast.Attribute, ast.BinOp, ast.Subscript, ast.Call, ast.ListComp,
          ast.GeneratorExp, prior=1.8)  # fmt: skip
def wrap_call(node: ast.expr, context: Context) -> Iterator[Edit]:
    """A conversion or a usual method is missing: `x` for `abs(x)`, `x` for `x.strip()`."""
    parent = context.parent(node)
    if called(node, context) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(parent, ast.Attribute | ast.FormattedValue | ast.Expr | ast.keyword):
        return
    if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") in UNWRAPPABLE:
        return
    outer = (
        context.text(node).strip("()") if isinstance(node, ast.GeneratorExp) else context.text(node)
    )
    for template, weight in WRAPPERS.items():
        if "\n" not in outer and _sensible(template, node):
            text = context.atom(node) if template.startswith("{}") else outer
            yield context.replace(node, template.format(text.replace("{", "{")), weight)


def _sensible(template: str, node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return template[:4] in ("abs(", "int(", "str(", "roun", "floa")
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return template[:4] in ("sort", "sum(", "set(", "len(", "list", "max(", "min(", "tupl")
    return True


@operator("starred-argument", ast.Call, prior=0.4)
def starred_argument(node: ast.Call, context: Context) -> Iterator[Edit]:
    if len(node.args) == 1:
        argument = node.args[0]
        if isinstance(argument, ast.Starred):
            yield context.replace(argument, context.text(argument.value))
        elif isinstance(argument, ast.Name):
            yield context.replace(argument, f"*{argument.id}")


@operator("swap-chained", ast.Call, prior=1.0)
def swap_chained(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`x.f().g()` for `x.g().f()`; of a longer chain also the last first, and the other way."""
    parent = context.parent(node)
    if isinstance(parent, ast.Attribute) and called(parent, context):
        return
    ends, inner = [context.module.end(node)], node
    while isinstance(inner.func, ast.Attribute) and isinstance(inner.func.value, ast.Call):
        inner = inner.func.value
        ends.append(context.module.end(inner))
    if not isinstance(inner.func, ast.Attribute) or len(ends) < 2:
        return
    ends.append(context.module.end(inner.func.value))
    ends.reverse()
    links = [context.module.text[first:last] for first, last in pairwise(ends)]
    orders = [[*links[:n], links[n + 1], links[n], *links[n + 2 :]] for n in range(len(links) - 1)]
    orders += [[links[-1], *links[:-1]], [*links[1:], links[0]]]
    for text in dict.fromkeys("".join(order) for order in orders):
        if text != "".join(links):
            yield Edit(ends[0], ends[-1], text, line=context.module.line_of(ends[0]))
