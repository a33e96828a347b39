"""Statements: missing, superfluous, in the wrong order or at the wrong depth."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator

BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith)
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Raise, ast.Break,
          ast.Continue, ast.Delete, ast.Assert)  # fmt: skip
MAX_DONORS = 12


def documentation(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def in_loop(node: ast.AST, context: Context) -> bool:
    for ancestor in context.module.ancestors(node):
        if isinstance(ancestor, ast.For | ast.While | ast.AsyncFor):
            return True
        if isinstance(ancestor, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
    return False


@operator("delete-statement", *SIMPLE, ast.If, prior=2.5)
def delete_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    if documentation(node):
        return
    if len(context.block(node)) == 1:
        yield context.replace(node, "pass", 0.7)
        return
    whole = context.whole_lines(node)
    if whole:
        weight = 0.5 if isinstance(node, ast.If) else 1.0
        yield Edit(*whole, "", weight=weight, line=context.line(node))


@operator("leave-loop", ast.Break, ast.Continue, ast.Return, ast.Pass, ast.Raise, prior=2.0)
def leave_loop(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """`break` for `continue`, `return` for either, and the other way."""
    looping = in_loop(node, context)
    own = context.text(node)
    others = {"break": looping, "continue": looping, "return": True, "pass": True}
    for text, possible in others.items():
        if possible and text != own:
            yield context.replace(node, text, 0.6 if text in ("return", "pass") else 1.0)


@operator("add-exit", ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.For, ast.While, prior=1.2)
def add_exit(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A `return`, `break` or `continue` missing at the end of a block."""
    if context.function is None or documentation(node) or context.block(node)[-1] is not node:
        return
    if in_loop(node, context):
        yield from context.insert_after(node, ["break"])
        yield from context.insert_after(node, ["continue"], 0.8)
    for name in context.local_names[:5]:
        yield from context.insert_after(node, [f"return {name}"], 0.8)
    for value in ("", " True", " False", " None"):
        yield from context.insert_after(node, [f"return{value}"], 0.6)
    if isinstance(node, ast.Expr):
        yield context.replace(node, f"return {context.text(node)}", 2.0)


@operator("returned-value", ast.Return, prior=1.5)
def returned_value(node: ast.Return, context: Context) -> Iterator[Edit]:
    if node.value is None:
        for name in context.local_names[:5]:
            yield context.replace(node, f"return {name}")
        return
    own = context.text(node.value)
    for value in ("None", "True", "False", "0", "[]", '""', "-1", "1", "{}"):
        if value != own:
            yield context.replace(node.value, value, 0.6)
    yield context.replace(node, context.text(node.value), 0.3)
    yield context.replace(node, f"yield {own}", 0.3)


@operator("yield-kind", ast.Yield, ast.YieldFrom, prior=1.5)
def yield_kind(node: ast.Yield | ast.YieldFrom, context: Context) -> Iterator[Edit]:
    if node.value is not None:
        word = "yield from" if isinstance(node, ast.Yield) else "yield"
        yield context.replace(node, f"{word} {context.text(node.value)}")


@operator("swap-statements", *SIMPLE, *BLOCKS, prior=1.5)
def swap_statements(node: ast.stmt, context: Context) -> Iterator[Edit]:
    block = context.block(node)
    position = block.index(node)
    if position + 1 < len(block) and not documentation(node):
        here, there = context.whole_lines(node), context.whole_lines(block[position + 1])
        if here and there and _complete(context, there[1]):
            text = context.module.text
            swapped = text[there[0] : there[1]] + text[here[1] : there[0]] + text[here[0] : here[1]]
            yield Edit(here[0], there[1], swapped, line=context.line(node))


def _complete(context: Context, end: int) -> bool:
    return context.module.text[:end].endswith(("\n", "\r"))


def shifted(text: str, old: str, new: str) -> str | None:
    """Lines moved from one indentation to another; None when a line does not have the old one."""
    lines = text.splitlines(keepends=True)
    if any(line.strip() and not line.startswith(old) for line in lines):
        return None
    return "".join(new + line[len(old) :] if line.strip() else line for line in lines)


@operator("dedent-statement", *SIMPLE, ast.If, prior=3.0)
def dedent_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """The last statements of a block belong behind it."""
    parent = context.parent(node)
    block = context.block(node)
    whole = context.whole_lines(node)
    if not isinstance(parent, BLOCKS) or block[0] is node or not whole or documentation(node):
        return
    end = context.whole_lines(block[-1])
    closing = [parent.body, *(b for b in (getattr(parent, "orelse", None),) if b)][-1]
    if end and closing is block:
        text = context.module.text[whole[0] : end[1]]
        moved = shifted(text, context.module.indent(node), context.module.indent(parent))
        if moved is not None:
            yield Edit(whole[0], end[1], moved, line=context.line(node))
            outer = context.parent(parent)
            if isinstance(outer, BLOCKS) and context.block(parent)[-1] is parent:
                deep = shifted(text, context.module.indent(node), context.module.indent(outer))
                if deep is not None:
                    yield Edit(whole[0], end[1], deep, weight=0.6, line=context.line(node))


@operator("indent-statement", *SIMPLE, ast.If, prior=2.0)
def indent_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A statement behind a block belongs to its end."""
    block = context.block(node)
    position = block.index(node)
    whole = context.whole_lines(node)
    if position == 0 or not whole:
        return
    before: ast.stmt = block[position - 1]
    weight = 1.0
    while isinstance(before, BLOCKS):
        tail = getattr(before, "orelse", None) or before.body
        inner = context.module.indent(tail[-1])
        moved = shifted(
            context.module.text[whole[0] : whole[1]], context.module.indent(node), inner
        )
        if moved is not None and inner:
            yield Edit(*whole, moved, weight=weight, line=context.line(node))
        before, weight = tail[-1], weight * 0.6


@operator("else-branch", ast.If, prior=1.5)
def else_branch(node: ast.If, context: Context) -> Iterator[Edit]:
    """`elif` for `if` and the other way; an `else` for what follows, or none."""
    module, start = context.module, context.module.start(node)
    if module.text.startswith("elif", start):
        yield Edit(start, start + 4, "if", line=context.line(node))
    elif module.text.startswith("if", start):
        block = context.block(node)
        position = block.index(node)
        if position and isinstance(block[position - 1], ast.If):
            yield Edit(start, start, "el", line=context.line(node))


@operator("step-variable", ast.AugAssign, ast.Assign, ast.Expr, prior=1.0)
def step_variable(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A counter that nobody moves: `i += 1` missing in a loop."""
    if in_loop(node, context) and context.block(node)[-1] is node:
        for name in context.local_names[:5]:
            yield from context.insert_after(node, [f"{name} += 1"])
            yield from context.insert_after(node, [f"{name} -= 1"], 0.4)


@operator("donor-statement", *SIMPLE, ast.If, ast.For, ast.While, prior=1.0)
def donor_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A simple statement of the same function is missing here."""
    if context.function is None or documentation(node):
        return
    donors: dict[str, None] = {}
    for other in context.nodes:
        if isinstance(other, SIMPLE) and other is not node and not documentation(other):
            text = context.text(other)
            if "\n" not in text:
                donors.setdefault(text)
    for text in list(donors)[:MAX_DONORS]:
        yield from context.insert_before(node, [text])
        if context.block(node)[-1] is node:
            yield from context.insert_after(node, [text])


@operator("loop-kind", ast.If, ast.While, prior=0.8)
def loop_kind(node: ast.If | ast.While, context: Context) -> Iterator[Edit]:
    """`if` where `while` was meant."""
    start = context.module.start(node)
    old, new = ("if", "while") if isinstance(node, ast.If) else ("while", "if")
    if context.module.text.startswith(old, start) and not node.orelse:
        yield Edit(start, start + len(old), new, line=context.line(node))
