"""Indices, slices and ranges: off by one, the wrong end, bounds missing or superfluous."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator


def _readable(node: ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Load)


@operator("index-off-by-one", ast.Subscript, prior=4.0)
def index_off_by_one(node: ast.Subscript, context: Context) -> Iterator[Edit]:
    index = node.slice
    if isinstance(index, ast.Slice | ast.Tuple) or _text_key(index):
        return
    text = context.text(index)
    value = _number(index)
    if value is None:
        yield context.replace(index, f"{text} - 1")
        yield context.replace(index, f"{text} + 1")
        if isinstance(index, ast.BinOp):
            yield context.replace(index, context.text(index.left))
        yield context.replace(index, f"-{context.atom(index)}", 0.3)
        yield context.replace(index, f"-{context.atom(index)} - 1", 0.3)
    else:
        for guess, weight in ((value + 1, 1.0), (value - 1, 1.0), (0, 1.0), (-1, 1.0), (1, 0.6)):
            if guess != value:
                yield context.replace(index, str(guess), weight)


def _number(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@operator("slice-bounds", ast.Slice, prior=4.0)
def slice_bounds(node: ast.Slice, context: Context) -> Iterator[Edit]:
    lower, upper, step = (context.text(p) if p else "" for p in (node.lower, node.upper, node.step))
    shapes: list[tuple[str, str, str, float]] = []
    for guess, weight in _shifted(node.lower, lower, "1"):
        shapes.append((guess, upper, step, weight))
    for guess, weight in _shifted(node.upper, upper, "-1"):
        shapes.append((lower, guess, step, weight))
    if step:
        shapes += [(lower, upper, "", 0.8), (lower, upper, f"-{step}".replace("--", ""), 0.8)]
        shapes += [(lower, upper, str(n), 0.5) for n in (2, 1, 3) if str(n) != step]
    else:
        shapes += [(lower, upper, "2", 0.3), (lower, upper, "-1", 0.5)]
    if lower and upper:
        shapes.append((upper, lower, step, 0.4))
    elif lower or upper:
        shapes.append((upper, lower, step, 0.9))
    for first, last, stride, weight in dict.fromkeys(shapes):
        text = f"{first}:{last}" + (f":{stride}" if stride else "")
        yield context.replace(node, text, weight)


def _shifted(node: ast.expr | None, text: str, missing: str) -> list[tuple[str, float]]:
    """Neighbours of one bound; the empty bound is one of them."""
    if node is None:
        return [(missing, 1.0)]
    value = _number(node)
    if value is not None:
        near = [(str(value + 1), 1.0), (str(value - 1), 1.0)]
        return [*near, ("", 0.8), (str(-value), 0.4)]
    grouped = text if isinstance(node, ast.Name | ast.Call | ast.BinOp) else f"({text})"
    near = [(f"{grouped} + 1", 1.0), (f"{grouped} - 1", 1.0), ("", 0.8)]
    if isinstance(node, ast.Name):
        near.append((f"-{text}", 0.4))
    return near


@operator("index-or-slice", ast.Subscript, prior=1.0)
def index_or_slice(node: ast.Subscript, context: Context) -> Iterator[Edit]:
    """`x[i]` for `x[i:]`, `x[:i]`, `x`; and `x[i][j]` for `x[j][i]`."""
    if not _readable(node):
        return
    base = context.atom(node.value)
    yield context.replace(node, base, 0.8)
    if isinstance(node.slice, ast.Slice):
        return
    index = context.text(node.slice)
    if not _text_key(node.slice):
        yield context.replace(node, f"{base}[{index}:]")
        yield context.replace(node, f"{base}[:{index}]")
    if isinstance(node.value, ast.Subscript):
        inner, outer = context.text(node.value.slice), index
        yield context.replace(node, f"{context.atom(node.value.value)}[{outer}][{inner}]", 1.5)


@operator("add-index", ast.Name, ast.Call, ast.Attribute, prior=0.9)
def add_index(node: ast.expr, context: Context) -> Iterator[Edit]:
    """A whole sequence where a part of it was meant: `x` for `x[0]`, `x[-1]`, `x[1:]` …"""
    parent = context.parent(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(parent, ast.Call) and node is parent.func:
        return
    if isinstance(parent, ast.Attribute | ast.Subscript | ast.FormattedValue):
        return
    iterated = isinstance(parent, ast.For | ast.comprehension)
    parts = ("[1:]", "[:-1]", "[::-1]") if iterated else ("[0]", "[-1]", "[::-1]", "[1]", "[:]")
    for part in parts:
        yield context.replace(node, context.atom(node) + part)


@operator("range-bounds", ast.Call, prior=4.0)
def range_bounds(node: ast.Call, context: Context) -> Iterator[Edit]:
    if not (isinstance(node.func, ast.Name) and node.func.id == "range") or node.keywords:
        return
    args = [context.text(arg) for arg in node.args]
    atoms = [
        context.atom(a) if isinstance(a, ast.IfExp | ast.Lambda | ast.BoolOp) else t
        for a, t in zip(node.args, args, strict=True)
    ]
    shapes: list[tuple[float, list[str]]] = []
    if len(args) == 1:
        top = atoms[0]
        shapes += [(1.2, [f"{top} + 1"]), (1.2, [f"{top} - 1"]), (1.0, ["1", top])]
        shapes += [(1.0, ["1", f"{top} + 1"]), (0.3, ["2", top]), (0.3, ["2", f"{top} + 1"])]
        shapes += [(0.5, [f"{top} - 1", "-1", "-1"]), (0.3, [top, "0", "-1"])]
    elif len(args) >= 2:
        low, top, *step = atoms
        shapes += [(1.2, [low, f"{top} + 1", *step]), (1.2, [low, f"{top} - 1", *step])]
        shapes += [(1.0, [f"{low} + 1", top, *step]), (1.0, [f"{low} - 1", top, *step])]
        shapes += [(0.8, ["0", top, *step]), (0.6, [top])]
        shapes += [(0.5, [top, low, *(step or ["-1"])]), (0.5, [low, top])]
        shapes += [(0.4, [low, top, "2"]), (0.4, [low, top, "-1"])]
    for weight, shape in shapes:
        if shape != args:
            yield context.replace(node, f"range({', '.join(shape)})", weight)


@operator("key-lookup", ast.Subscript, prior=1.2)
def lookup_or_default(node: ast.Subscript, context: Context) -> Iterator[Edit]:
    """`d[k]` where a missing key is usual: `d.get(k)`, `d.get(k, 0)`."""
    if _readable(node) and not isinstance(node.slice, ast.Slice):
        base, key = context.atom(node.value), context.text(node.slice)
        for default in ("", ", 0", ', ""', ", []", ", {}"):
            yield context.replace(node, f"{base}.get({key}{default})")


@operator("element-or-all", ast.Subscript, prior=0.6)
def element_or_all(node: ast.Subscript, context: Context) -> Iterator[Edit]:
    """The first or last element where something of all of them was meant: `sum(x)` for `x[-1]`."""
    if not _readable(node) or context.text(node.slice) not in ("0", "-1"):
        return
    comprehended = isinstance(node.value, ast.ListComp)
    inside = context.text(node.value)
    inside = inside[1:-1] if comprehended else inside
    for function in ("sum", "max", "min", "len"):
        whole = f"[{inside}]" if comprehended and function == "len" else inside
        yield context.replace(node, f"{function}({whole})")
