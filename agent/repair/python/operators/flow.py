"""Blocks: guards in loops, statements on the wrong side, blocks too many or too few."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.guards import first_statement
from agent.repair.python.operators.registry import operator
from agent.repair.python.operators.statements import BLOCKS, SIMPLE, documentation, shifted

LOOPS = (ast.For, ast.AsyncFor, ast.While)
MAX_TESTS = 6
EXPECTED: tuple[tuple[type[ast.AST], str], ...] = (
    (ast.Subscript, "(KeyError, IndexError)"),
    (ast.Subscript, "KeyError"),
    (ast.Subscript, "IndexError"),
    (ast.Call, "ValueError"),
    (ast.Attribute, "AttributeError"),
    (ast.BinOp, "ZeroDivisionError"),
)
"""What may be raised where such a node stands."""


def tests_of(context: Context) -> list[str]:
    """Conditions of this function and of its neighbours, the function's own first."""
    found: list[str] = []
    for function in (context.scope, *context.siblings):
        for node in ast.walk(function):
            if isinstance(node, ast.If | ast.While) and context.usable(node.test):
                found.append(context.short_text(node.test))
    return [text for text in dict.fromkeys(found) if text]


@operator("loop-guard", *LOOPS, prior=1.5)
def loop_guard(node: ast.For | ast.While, context: Context) -> Iterator[Edit]:
    """Items that a loop should pass over, or stop at."""
    target = getattr(node, "target", None)
    names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)] if target else []
    tests = [test for name in names[:2] for test in (f"not {name}", f"{name} is None")]
    tests += [test for test in tests_of(context) if test not in tests][:MAX_TESTS]
    first = node.body[0]
    step = context.step(first)
    for rank, test in enumerate(tests):
        for word, weight in (("continue", 1.0), ("break", 0.4)):
            lines = [f"if {test}:", f"{step}{word}"]
            yield from context.insert_before(first, lines, weight / (1 + 0.2 * rank))


@operator("guard-like-neighbours", ast.FunctionDef, ast.AsyncFunctionDef, prior=1.5)
def guard_like_neighbours(
    node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context
) -> Iterator[Edit]:
    """A guard that functions beside this one begin with."""
    first = first_statement(node)
    if first is None:
        return
    step = context.step(first)
    for sibling in context.siblings:
        for statement in sibling.body[:3]:
            if not isinstance(statement, ast.If) or statement.orelse or len(statement.body) != 1:
                continue
            test, action = context.text(statement.test), context.text(statement.body[0])
            if context.usable(statement) and "\n" not in test + action:
                yield from context.insert_before(first, [f"if {test}:", f"{step}{action}"])


@operator("wrap-in-condition", *SIMPLE, prior=0.8)
def wrap_in_condition(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A statement that should run under a condition which is tested nearby."""
    if documentation(node) or context.function is None:
        return
    used = [context.text(n) for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Name)]
    tests = tests_of(context)[:MAX_TESTS]
    tests += [f"not {text}" for text in dict.fromkeys(used) if text in context.local_names][:3]
    for test in tests:
        yield from context.enclose(node, f"if {test}:")


@operator("hoist-statement", *SIMPLE, prior=1.2)
def hoist_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """The first statement of a block belongs in front of it."""
    parent, whole = context.parent(node), context.whole_lines(node)
    if not isinstance(parent, BLOCKS) or not whole or documentation(node):
        return
    outer = context.whole_lines(parent)
    if parent.body[0] is node and len(parent.body) > 1 and outer:
        text = context.module.text
        moved = shifted(
            text[whole[0] : whole[1]], context.module.indent(node), context.module.indent(parent)
        )
        if moved is not None and not text.startswith("elif", context.module.start(parent)):
            yield Edit(
                outer[0], whole[1], moved + text[outer[0] : whole[0]], line=context.line(node)
            )


@operator("sink-statement", *SIMPLE, prior=1.0)
def sink_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """The statement in front of a block belongs to its beginning."""
    block, whole = context.block(node), context.whole_lines(node)
    position = block.index(node) + 1
    if not whole or documentation(node) or position >= len(block):
        return
    following = block[position]
    if isinstance(following, BLOCKS):
        inner = context.whole_lines(following.body[0])
        text = context.module.text
        moved = shifted(text[whole[0] : whole[1]], context.module.indent(node),
                        context.module.indent(following.body[0]))  # fmt: skip
        if moved is not None and inner and inner[0] > whole[1]:
            yield Edit(
                whole[0], inner[0], text[whole[1] : inner[0]] + moved, line=context.line(node)
            )


@operator("move-further", *SIMPLE, prior=0.6)
def move_further(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A statement two or three places away from where it belongs."""
    block, here = context.block(node), context.whole_lines(node)
    position = block.index(node)
    text = context.module.text
    for distance in (2, 3):
        for target in (position - distance, position + distance):
            if not here or documentation(node) or not 0 <= target < len(block):
                continue
            there = context.whole_lines(block[target])
            moved = text[here[0] : here[1]]
            if there is None or not text[: max(here[1], there[1])].endswith("\n"):
                continue
            if target < position and not documentation(block[target]):
                yield Edit(
                    there[0], here[1], moved + text[there[0] : here[0]], line=context.line(node)
                )
            elif target > position:
                yield Edit(
                    here[0], there[1], text[here[1] : there[1]] + moved, line=context.line(node)
                )


@operator("unwrap-block", ast.If, ast.For, ast.While, ast.With, ast.Try, prior=1.0)
def unwrap_block(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A condition, loop or `try` too many: its body stays."""
    whole, module = context.whole_lines(node), context.module
    body = node.body  # type: ignore[attr-defined]
    first, last = context.whole_lines(body[0]), context.whole_lines(body[-1])
    if whole and first and last and not module.text.startswith("elif", module.start(node)):
        text = module.text[first[0] : last[1]]
        moved = shifted(text, module.indent(body[0]), module.indent(node))
        if moved is not None:
            yield Edit(*whole, moved, line=context.line(node))


@operator("else-block", ast.If, ast.For, ast.While, prior=1.5)
def else_block(node: ast.If | ast.For | ast.While, context: Context) -> Iterator[Edit]:
    """An `else` too many, or one missing in front of what follows."""
    module, whole = context.module, context.whole_lines(node)
    if not whole:
        return
    if node.orelse and not _is_elif(node, context):
        first, kept = context.whole_lines(node.orelse[0]), context.whole_lines(node.body[-1])
        if first and kept and kept[1] < first[0]:
            text = module.text[first[0] : whole[1]]
            moved = shifted(text, module.indent(node.orelse[0]), module.indent(node))
            if moved is not None:
                yield Edit(kept[1], whole[1], moved, line=context.line(node.orelse[0]))
            yield Edit(kept[1], whole[1], "", weight=0.7, line=context.line(node.orelse[0]))
    block = context.block(node)
    after = block[block.index(node) + 1 :]
    if after and not node.orelse:
        step, indent = context.step(node.body[0]), module.indent(node)
        for last, weight in ((after[0], 1.0), (after[-1], 0.8)):
            start, end = context.whole_lines(after[0]), context.whole_lines(last)
            if start and end:
                moved = shifted(module.text[start[0] : end[1]], indent, indent + step)
                if moved is not None:
                    header = f"{indent}else:{module.newline}"
                    yield Edit(
                        start[0], end[1], header + moved, weight=weight, line=context.line(after[0])
                    )


def _is_elif(node: ast.If | ast.For | ast.While, context: Context) -> bool:
    return context.module.text.startswith("elif", context.module.start(node.orelse[0]))


@operator("catch-error", *SIMPLE, prior=0.8)
def catch_error(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A statement whose usual exception nobody catches."""
    if documentation(node) or context.function is None:
        return
    if any(isinstance(ancestor, ast.Try) for ancestor in context.module.ancestors(node)):
        return
    inside = {type(part) for part in ast.walk(node)}
    looping = any(isinstance(a, LOOPS) for a in context.module.ancestors(node))
    actions = ["return None", "continue" if looping else "pass", "return False"]
    for rank, error in enumerate(error for kind, error in EXPECTED if kind in inside):
        for place, action in enumerate(actions):
            tail = [f"except {error}:", f"{context.step(node)}{action}"]
            yield from context.enclose(node, "try:", tail, 1 / (1 + rank + place))


@operator("missing-word", ast.Expr, ast.Raise, ast.Return, ast.Assign, prior=1.5)
def missing_word(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """An exception made but not raised, raised but meant to be returned; `from None`."""
    text = context.text(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        name = getattr(node.value.func, "id", getattr(node.value.func, "attr", ""))
        if name.lower().endswith(("error", "exception", "warning")):
            yield context.replace(node, f"raise {text}", 2.0)
    elif isinstance(node, ast.Raise) and node.exc is not None:
        exc = context.text(node.exc)
        yield context.replace(node, f"return {exc}", 0.4)
        yield context.replace(node, f"raise {exc}" if node.cause else f"raise {exc} from None", 0.5)
        if any(isinstance(a, ast.ExceptHandler) for a in context.module.ancestors(node)):
            yield context.replace(node, "raise", 0.8)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
        if getattr(node.value.func, "id", "").endswith(("Error", "Exception")):
            yield context.replace(node, f"raise {context.text(node.value)}", 2.0)
        yield context.replace(node, context.text(node.value), 0.4)
    elif isinstance(node, ast.Assign) and context.block(node)[-1] is node:
        yield context.replace(node, f"return {context.text(node.value)}", 0.6)


@operator("keep-result", ast.Expr, prior=2.0)
def keep_result(node: ast.Expr, context: Context) -> Iterator[Edit]:
    """A call that changes nothing: `x.strip()` for `x = x.strip()`, `f(x)` for `x = f(x)`."""
    call = node.value
    if not isinstance(call, ast.Call):
        return
    text = context.text(call)
    if isinstance(call.func, ast.Attribute) and isinstance(
        call.func.value, ast.Name | ast.Attribute
    ):
        base = context.text(call.func.value)
        yield context.replace(node, f"{base} = {text}")
    for argument in call.args[:2]:
        if isinstance(argument, ast.Name | ast.Attribute):
            yield context.replace(node, f"{context.text(argument)} = {text}", 0.6)
