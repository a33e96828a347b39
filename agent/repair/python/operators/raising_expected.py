"""Errors that the failing tests want raised, where the code goes on instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.guards import first_statement
from agent.repair.python.operators.registry import operator

MAX_NAMES = 4


@operator("raise-for-argument", ast.FunctionDef, ast.AsyncFunctionDef, prior=6.0)
def raise_for_argument(
    node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context
) -> Iterator[Edit]:
    """An argument that should be refused."""
    first = first_statement(node)
    if first is None or not context.expected:
        return
    spec, step = node.args, context.step(first)
    given = [arg for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)
             if arg.arg not in ("self", "cls")]  # fmt: skip
    for rank, arg in enumerate(given[:MAX_NAMES]):
        for place, test in enumerate(_wrong(arg, context)):
            for error in wanted_errors(context, arg.arg):
                lines = [f"if {test}:", f"{step}raise {error}"]
                weight = 1 / (1 + rank) / (1 + 0.3 * place)
                yield from context.insert_before(first, lines, weight)


def _wrong(arg: ast.arg, context: Context) -> Iterator[str]:
    """What may be wrong with an argument."""
    name = arg.arg
    if isinstance(arg.annotation, ast.Name) and arg.annotation.id in context.known:
        yield f"not isinstance({name}, {arg.annotation.id})"
    yield f"not {name}"
    yield f"{name} < 0"
    yield f"{name} is None"
    yield f"{name} <= 0"


@operator("raise-instead", ast.Return, ast.Pass, ast.Continue, prior=6.0)
def raise_instead(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """`return None` or `pass` where the tests want an error."""
    value = getattr(node, "value", None)
    if context.function is not None and (value is None or isinstance(value, ast.Constant)):
        for error in wanted_errors(context):
            yield context.replace(node, f"raise {error}")


@operator("raise-otherwise", ast.If, prior=6.0)
def raise_otherwise(node: ast.If, context: Context) -> Iterator[Edit]:
    """The case behind the last `elif` that nobody thought of."""
    whole = context.whole_lines(node)
    if context.function is None or node.orelse or not whole:
        return
    indent, newline = context.module.indent(node), context.module.newline
    step = context.module.indent(node.body[0]).removeprefix(indent)
    for error in wanted_errors(context):
        text = f"{indent}else:{newline}{indent}{step}raise {error}{newline}"
        yield Edit(whole[1], whole[1], text, line=context.line(node))


def wanted_errors(context: Context, about: str = "") -> list[str]:
    """The expected errors that this file knows, each with a message."""
    found = []
    for error in context.expected:
        kind, _, rest = error.partition("(")
        if kind in context.known:
            found.append(error if rest != ")" else f'{kind}("invalid {about or "value"}")')
    return found
