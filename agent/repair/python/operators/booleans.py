"""Conditions: negated, joined by the wrong word, too wide or too narrow."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.facts import dotted
from agent.repair.python.operators.registry import operator

MAX_DONORS = 6
CONDITIONAL = (ast.If, ast.While, ast.IfExp, ast.comprehension, ast.Assert)


def conditions(node: ast.AST) -> list[ast.expr]:
    """The tests that steer a statement or expression."""
    if isinstance(node, ast.comprehension):
        return node.ifs
    test = getattr(node, "test", None)
    return [test] if isinstance(test, ast.expr) else []


@operator("and-or", ast.BoolOp, prior=4.0)
def swap_and_or(node: ast.BoolOp, context: Context) -> Iterator[Edit]:
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield from context.swap_token(left, right, old, new)


@operator("drop-condition", ast.BoolOp, prior=2.5)
def drop_condition(node: ast.BoolOp, context: Context) -> Iterator[Edit]:
    word = " and " if isinstance(node.op, ast.And) else " or "
    for dropped in node.values:
        rest = [
            context.atom(v)
            if isinstance(v, ast.BoolOp | ast.IfExp | ast.Lambda)
            else context.text(v)
            for v in node.values
            if v is not dropped
        ]
        yield context.replace(node, f"({word.join(rest)})" if len(rest) > 1 else rest[0])


@operator("regroup-condition", ast.BoolOp, prior=0.8)
def regroup_condition(node: ast.BoolOp, context: Context) -> Iterator[Edit]:
    """`a or b and c` for `(a or b) and c`, `a % b or c` for `a % (b or c)`."""
    head = node.values[0]
    if isinstance(head, ast.BinOp) and len(node.values) == 2 and isinstance(node.op, ast.Or):
        end, last = context.module.end(head.right), context.module.end(node)
        tail = context.module.text[end:last]
        if context.module.end(head) == end:
            text = f"({context.text(head.right)}{tail})"
            yield Edit(context.module.start(head.right), last, text, line=context.line(node))
    for position, value in enumerate(node.values):
        if isinstance(value, ast.BoolOp) and len(node.values) == 2 and len(value.values) == 2:
            outer = "and" if isinstance(node.op, ast.And) else "or"
            inner = "and" if isinstance(value.op, ast.And) else "or"
            first, second = (context.atom(v) for v in value.values)
            other = context.atom(node.values[1 - position])
            if position:
                yield context.replace(node, f"(({other} {outer} {first}) {inner} {second})")
            else:
                yield context.replace(node, f"({first} {inner} ({second} {outer} {other}))")


@operator("negate-condition", *CONDITIONAL, ast.BoolOp, prior=3.5)
def negate_condition(node: ast.AST, context: Context) -> Iterator[Edit]:
    tests = node.values if isinstance(node, ast.BoolOp) else conditions(node)
    for test in tests:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            continue
        text = f"not {context.atom(test)}"
        yield context.replace(test, text)


@operator("negate-result", ast.Return, ast.Assign, prior=1.5)
def negate_result(node: ast.Return | ast.Assign, context: Context) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, ast.Compare | ast.BoolOp | ast.Call | ast.Name | ast.Attribute):
        yield context.replace(value, f"not {context.atom(value)}")


@operator("drop-not", ast.UnaryOp, prior=3.5)
def drop_not(node: ast.UnaryOp, context: Context) -> Iterator[Edit]:
    if isinstance(node.op, ast.Not):
        yield context.replace(node, context.atom(node.operand))


@operator("constant-condition", ast.If, ast.While, ast.IfExp, prior=0.5)
def constant_condition(node: ast.AST, context: Context) -> Iterator[Edit]:
    for test in conditions(node):
        yield context.replace(test, "True", 1.0 if isinstance(node, ast.While) else 0.5)
        if not isinstance(node, ast.While):
            yield context.replace(test, "False", 0.5)


@operator("drop-filter", ast.comprehension, prior=1.0)
def drop_filter(node: ast.comprehension, context: Context) -> Iterator[Edit]:
    last: ast.AST = node.iter
    for test in node.ifs:
        start = context.module.text.find("if", context.module.end(last))
        if 0 <= start < context.module.start(test):
            yield Edit(start, context.module.end(test), "", line=context.line(test))
        last = test


@operator("narrow-condition", *CONDITIONAL, ast.Return, prior=1.6)
def join_condition(node: ast.AST, context: Context) -> Iterator[Edit]:
    """Join a condition that the function also tests: more or less specific."""
    tests = conditions(node)
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Compare | ast.BoolOp):
        tests = [node.value]
    for test in tests:
        own = context.text(test)
        for donor, weight in _donors(test, context):
            if donor == own:
                continue
            left = context.atom(test) if isinstance(test, ast.BoolOp | ast.IfExp) else own
            yield context.rewrite(test, f"{left} and {donor}", weight)
            yield context.rewrite(test, f"{left} or {donor}", weight)


@operator("replace-condition", ast.If, ast.While, ast.IfExp, prior=0.8)
def replace_condition(node: ast.AST, context: Context) -> Iterator[Edit]:
    for test in conditions(node):
        for donor, weight in _donors(test, context):
            if donor != context.text(test):
                yield context.rewrite(test, donor, weight)


def _donors(test: ast.expr, context: Context) -> list[tuple[str, float]]:
    """Comparisons of the same function, names and relatives of names in the test, other names."""
    found: dict[str, float] = {}
    for other in context.nodes:
        if isinstance(other, ast.Compare) and other is not test and len(found) < MAX_DONORS:
            found.setdefault(context.text(other), 1.0)
    for part in ast.walk(test):
        if isinstance(part, ast.Name) and part.id in context.local_names:
            found.setdefault(part.id, 0.6)
            found.setdefault(f"not {part.id}", 0.6)
            found.setdefault(f"{part.id} is not None", 0.4)
            found.setdefault(f"{part.id} is None", 0.4)
            found.setdefault(f"len({part.id}) > 0", 0.3)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name | ast.Attribute):
            seen = context.attributes.get(dotted(part.value), ())
            for name in [name for name in seen if name != part.attr][:3]:
                found.setdefault(f"{context.text(part.value)}.{name}", 0.4)
                found.setdefault(f"not {context.text(part.value)}.{name}", 0.4)
    for name in context.local_names[:MAX_DONORS]:
        found.setdefault(name, 0.3)
        found.setdefault(f"not {name}", 0.3)
    return [(text, weight) for text, weight in found.items() if "\n" not in text]


@operator("opposite-answers", ast.FunctionDef, ast.AsyncFunctionDef, prior=1.0)
def opposite_answers(
    node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context
) -> Iterator[Edit]:
    """Every `return True` becomes `return False`, and the other way."""
    module = context.module
    values = [
        statement.value
        for statement in ast.walk(node)
        if isinstance(statement, ast.Return)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, bool)
    ]
    if len({value.value for value in values}) < 2:
        return
    values.sort(key=module.start)
    text, end = "", module.start(values[0])
    for value in values:
        text += module.text[end : module.start(value)] + repr(not value.value)
        end = module.end(value)
    yield Edit(module.start(values[0]), end, text, line=context.line(values[0]))
