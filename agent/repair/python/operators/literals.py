"""Tuples, lists, sets and comprehensions: an element or a filter too many or too few."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator

MAX_DONORS = 6
Collection = ast.Tuple | ast.List | ast.Set


def _peers(elements: list[ast.expr], context: Context) -> list[str]:
    """What could stand beside some elements: constants or attributes of the same kind."""
    own = {context.text(element) for element in elements}
    sample = elements[-1]
    if isinstance(sample, ast.Constant) and isinstance(sample.value, str | int):
        kind = type(sample.value)
        found = [repr(c) for c in context.constants if type(c) is kind]
    elif isinstance(sample, ast.Attribute) and isinstance(sample.value, ast.Name):
        base = sample.value.id
        found = [f"{base}.{name}" for name in context.attributes.get(base, ())]
    elif isinstance(sample, ast.Name) and sample.id[:1].isupper():
        found = [name for name in context.callables if name[:1].isupper()]
    else:
        found = list(context.local_names)
    values = {text.replace('"', "'") for text in own}
    return [text for text in dict.fromkeys(found) if text not in values | own][:MAX_DONORS]


@operator("add-element", ast.Tuple, ast.List, ast.Set, prior=1.2)
def add_element(node: Collection, context: Context) -> Iterator[Edit]:
    if node.elts and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        last = node.elts[-1]
        end = context.module.end(last)
        for donor in _peers(node.elts, context):
            yield Edit(end, end, f", {donor}", line=context.line(last))


@operator("drop-element", ast.Tuple, ast.List, ast.Set, ast.Dict, prior=1.0)
def drop_element(node: Collection | ast.Dict, context: Context) -> Iterator[Edit]:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(node, ast.Dict):
        spans = [
            (context.module.start(key), context.module.end(value))
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        ]
    else:
        spans = [(context.module.start(e), context.module.end(e)) for e in node.elts]
    if 1 < len(spans) <= 12:
        for (start, _), (following, _) in pairwise(spans):
            yield Edit(start, following, "", line=context.module.line_of(start))
        comma = "," if isinstance(node, ast.Tuple) and len(spans) == 2 else ""
        yield Edit(spans[-2][1], spans[-1][1], comma, line=context.module.line_of(spans[-1][0]))


@operator("one-tuple", ast.Name, ast.Constant, ast.Attribute, prior=0.4)
def one_tuple(node: ast.expr, context: Context) -> Iterator[Edit]:
    """`(x)` for `(x,)`."""
    text, start, end = context.module.text, context.module.start(node), context.module.end(node)
    parent = context.parent(node)
    grouped = text[:start].endswith("(") and text[end:].startswith(")")
    if grouped and not isinstance(parent, ast.Call):
        yield Edit(end, end, ",", line=context.line(node))
    elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mod) and node is parent.right:
        yield Edit(start, end, f"({context.text(node)},)", line=context.line(node))


@operator("equal-or-among", ast.Compare, prior=1.2)
def equal_or_among(node: ast.Compare, context: Context) -> Iterator[Edit]:
    """`x == a` for `x in (a, b)`."""
    if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return
    word = "in" if isinstance(node.ops[0], ast.Eq) else "not in"
    left, right = context.atom(node.left), node.comparators[0]
    if isinstance(right, ast.Constant | ast.Attribute):
        for donor in _peers([right], context):
            yield context.rewrite(node, f"{left} {word} ({context.text(right)}, {donor})")


@operator("add-filter", ast.comprehension, prior=1.2)
def add_filter(node: ast.comprehension, context: Context) -> Iterator[Edit]:
    """A comprehension that takes everything."""
    names = [part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)]
    tests = [test for name in names[:2] for test in (name, f"{name} is not None", f"not {name}")]
    for other in context.nodes:
        if isinstance(other, ast.Compare) and len(tests) < 12:
            used = {part.id for part in ast.walk(other) if isinstance(part, ast.Name)}
            if used & set(names):
                tests.append(context.text(other))
    end = context.module.end(node.ifs[-1] if node.ifs else node.iter)
    grouped = (
        isinstance(node.iter, ast.IfExp | ast.Lambda) or context.module.text[end : end + 1] == ")"
    )
    if node.ifs or not grouped or isinstance(context.parent(node), ast.GeneratorExp):
        for test in dict.fromkeys(tests):
            yield Edit(
                end, end, f" {'and' if node.ifs else 'if'} {test}", line=context.module.line_of(end)
            )


@operator("collection-kind", ast.ListComp, ast.SetComp, ast.List, ast.Set, prior=0.8)
def collection_kind(node: ast.expr, context: Context) -> Iterator[Edit]:
    """`[…]` for `{…}`, and the other way."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or not getattr(node, "elts", [1]):
        return
    inner = context.text(node)[1:-1]
    other = "{}" if isinstance(node, ast.ListComp | ast.List) else "[]"
    yield context.replace(node, f"{other[0]}{inner}{other[1]}")
    if isinstance(node, ast.ListComp):
        yield context.replace(node, f"({inner})", 0.5)


@operator("conditional-value", ast.IfExp, prior=1.5)
def conditional_value(node: ast.IfExp, context: Context) -> Iterator[Edit]:
    """Branches swapped, or one of them always."""
    test, body, other = (context.atom(part) for part in (node.test, node.body, node.orelse))
    yield context.rewrite(node, f"{other} if {test} else {body}")
    yield context.rewrite(node, context.text(node.body), 0.7)
    yield context.rewrite(node, context.text(node.orelse), 0.7)
