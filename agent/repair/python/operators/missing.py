"""What other functions of the file use, and this one does not set up."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.facts import dotted
from agent.repair.python.operators.registry import operator

MAX_KEYS = 6


@operator("missing-key", ast.Assign, prior=3.0)
def missing_key(node: ast.Assign, context: Context) -> Iterator[Edit]:
    """Of the keys or attributes that are set up together, one is left out."""
    if context.function is None or len(node.targets) != 1 or _is_followed(node, context):
        return
    own = {context.text(other) for other in context.nodes if _is_stored(other)}
    missing = [text for text in _alike(node.targets[0], context) if text not in own]
    values = dict.fromkeys((context.short_text(node.value), "None", "0", "[]", "{}"))
    for text in missing[:MAX_KEYS]:
        for rank, value in enumerate(value for value in values if value):
            yield from context.insert_after(node, [f"{text} = {value}"], 1 / (1 + 0.5 * rank))


def _alike(target: ast.expr, context: Context) -> Iterator[str]:
    """The keys that the file uses of the same mapping, or the attributes of the same object."""
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        receiver, mark = context.text(target.value), context.text(target.slice)[-1]
        for key in context.keys.get(receiver, ()):
            if key.isprintable() and not {mark, "\\"} & set(key):
                yield f"{receiver}[{mark}{key}{mark}]"
    elif isinstance(target, ast.Attribute) and (receiver := dotted(target.value)):
        for name in context.attributes.get(receiver, ()):
            if name not in context.members:
                yield f"{receiver}.{name}"


def _is_followed(node: ast.Assign, context: Context) -> bool:
    """Whether the next statement sets up more of the same."""
    block = context.block(node)
    position = block.index(node)
    later = block[position + 1] if position + 1 < len(block) else None
    return isinstance(later, ast.Assign) and _receiver(later, context) == _receiver(node, context)


def _receiver(node: ast.Assign, context: Context) -> str:
    target = node.targets[0]
    return context.text(target.value) if isinstance(target, ast.Subscript | ast.Attribute) else ""


def _is_stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)
