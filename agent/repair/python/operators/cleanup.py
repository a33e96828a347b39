"""What is taken, opened or begun, and given back too late, or only when nothing goes wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import takewhile

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator
from agent.repair.python.operators.statements import shifted

OPPOSITES = {
    "append": "pop()",
    "push": "pop()",
    "appendleft": "popleft()",
    "add": "discard({0})",
    "acquire": "release()",
    "lock": "unlock()",
    "open": "close()",
    "start": "stop()",
    "enter": "exit()",
    "begin": "commit()",
    "connect": "disconnect()",
    "subscribe": "unsubscribe({0})",
    "register": "unregister({0})",
    "disable": "enable()",
    "pause": "resume()",
}
"""What takes back what a method did, as a template over its arguments."""

LAST_WORDS = {expression.partition("(")[0] for expression in OPPOSITES.values()} | {
    "cancel", "cleanup", "clear", "remove", "reset", "restore", "rollback", "shutdown", "unlink",
}  # fmt: skip
"""Methods that end something, or put it back as it was."""
MOST_LAST = 3
"""Statements that are done in any case."""


@operator("finish-anyway", ast.Expr, ast.Assign, prior=1.0)
def finish_anyway(node: ast.Expr | ast.Assign, context: Context) -> Iterator[Edit]:
    """`try: … finally: x.close()` for what is only done when nothing goes wrong in between."""
    block = context.block(node)
    behind = block[block.index(node) + 1 :]
    if isinstance(node.value, ast.Yield):
        last = list(takewhile(lambda each: not isinstance(each, ast.Return), behind))
    else:
        last = list(takewhile(_ends_something, behind))
    if not 0 < len(last) <= MOST_LAST or any("\n" in context.text(one) for one in (node, *last)):
        return
    lines, end = context.whole_lines(node), context.whole_lines(last[-1])
    if not lines or not end:
        return
    text, indent = context.module.text, context.module.indent(node)
    deeper = indent + context.step(node)
    tried = shifted(text[slice(*lines)], indent, deeper)
    done = shifted(text[lines[1] : end[1]], indent, deeper)
    if tried is not None and done is not None:
        head, middle = (context.laid_out(node, [word]) for word in ("try:", "finally:"))
        yield Edit(lines[0], end[1], head + tried + middle + done, line=context.line(node))


def _ends_something(statement: ast.stmt) -> bool:
    call = getattr(statement, "value", None)
    if not isinstance(statement, ast.Expr) or not isinstance(call, ast.Call):
        return False
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name.lstrip("_").partition("_")[0] in LAST_WORDS


@operator("undo-call", ast.Expr, prior=5.0)
def undo_call(node: ast.Expr, context: Context) -> Iterator[Edit]:
    """What is done in front of other statements and should be undone behind them."""
    call = node.value
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return
    opposite = OPPOSITES.get(call.func.attr)
    if opposite is None:
        return
    arguments = ", ".join(context.text(argument) for argument in call.args)
    receiver = context.text(call.func.value)
    undone = f"{receiver}.{opposite.format(arguments)}"
    block = context.block(node)
    following = block[block.index(node) + 1 :]
    for rank, statement in enumerate(reversed(following)):
        if not isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
            yield from context.insert_after(statement, [undone], 1 / (1 + rank))
        else:
            yield from context.insert_before(statement, [undone], 1 / (1 + rank))
