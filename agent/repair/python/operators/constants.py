"""Constants: off by one, of the wrong sign or size, another one of the same function."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.registry import operator

MAX_DONORS = 8
CHARACTERS = ("([{<", ")]}>", ",;:|", "/\\", "-_ .", "\"'", "01", "+-*/")
"""Characters that are taken for one another."""
DEFAULT = 0.3
"""Weight of another number as a parameter's default: it makes many a test pass that leaves the
argument out, and hides the fault from all who do."""


def is_docstring(node: ast.Constant, context: Context) -> bool:
    return isinstance(context.parent(node), ast.Expr) or in_format(node, context)


def in_format(node: ast.AST, context: Context) -> bool:
    """Whether a node is literal text of an f-string, whose offsets are not its own."""
    return isinstance(context.parent(node), ast.JoinedStr | ast.FormattedValue)


@operator("number-off-by-one", ast.Constant, prior=6.0)
def number_off_by_one(node: ast.Constant, context: Context) -> Iterator[Edit]:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return
    weight = _weight(node, context)
    yield context.replace(node, repr(node.value + 1), weight)
    if node.value >= 1 or not isinstance(context.parent(node), ast.UnaryOp):
        yield _one_less(node, context, repr(node.value - 1), weight)


def _weight(number: ast.Constant, context: Context) -> float:
    return DEFAULT if isinstance(context.parent(number), ast.arguments) else 1.0


def _one_less(node: ast.Constant, context: Context, less: str, weight: float) -> Edit:
    """`n` for `n + 1`, where `n + 0` would do the same."""
    whole = context.parent(node)
    if node.value == 1 and isinstance(whole, ast.BinOp) and _is_added(node, context):
        return context.replace(whole, context.atom(whole.left))
    return context.rewrite(node, less, weight)


def _is_added(node: ast.Constant, context: Context) -> bool:
    """Whether it is the second operand of a sum or difference."""
    whole = context.parent(node)
    return (
        isinstance(whole, ast.BinOp)
        and isinstance(whole.op, ast.Add | ast.Sub)
        and whole.right is node
    )


@operator("number-scale", ast.Constant, prior=1.2)
def number_scale(node: ast.Constant, context: Context) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    guesses: list[int | float] = [0, 1, 2, -1, value * 10, value + 2, value * 2, -value]
    if isinstance(value, int):
        guesses += [value // 10, value // 2, 10, value - 2]
        if value > 2:
            guesses += [value**2, 100, 1000]
    else:
        guesses += [value / 10, value / 2, value / 100, value * 100]
    for guess in dict.fromkeys(guesses):
        if guess != value and (guess or not _is_added(node, context)):
            yield context.rewrite(node, repr(guess), _weight(node, context))


@operator("flip-boolean", ast.Constant, prior=4.0)
def flip_boolean(node: ast.Constant, context: Context) -> Iterator[Edit]:
    if isinstance(node.value, bool):
        yield context.replace(node, repr(not node.value))
        yield context.replace(node, "None", 0.2)


@operator("empty-value", ast.Constant, ast.List, ast.Dict, ast.Tuple, prior=1.5)
def empty_value(node: ast.expr, context: Context) -> Iterator[Edit]:
    """A `None` or empty value of another kind: `None`, `0`, `""`, `[]`, `{}`, `False`."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    text = context.text(node)
    empties = ("None", "[]", "0", '""', "False", "True", "{}", "set()", "()", "-1")
    if text in ("None", "[]", "0", '""', "''", "{}", "()", "0.0", "-1"):
        for empty in empties:
            if empty not in (text, '""' if text == "''" else text):
                yield context.rewrite(node, empty)


@operator("other-constant", ast.Constant, prior=2.0)
def other_constant(node: ast.Constant, context: Context) -> Iterator[Edit]:
    """A constant of the same kind that the function also uses."""
    if is_docstring(node, context) or isinstance(node.value, bool):
        return
    if isinstance(node.value, int | float | str):
        kind: tuple[type, ...] = (str,) if isinstance(node.value, str) else (int, float)
        donors = [c for c in context.constants if isinstance(c, kind) and c != node.value]
        for donor in donors[:MAX_DONORS]:
            yield context.rewrite(node, repr(donor))


@operator("change-text", ast.Constant, prior=1.5)
def change_text(node: ast.Constant, context: Context) -> Iterator[Edit]:
    """Blanks and case of a string: `","` for `", "`, `"Yes"` for `"yes"`."""
    value = node.value
    if not isinstance(value, str) or is_docstring(node, context) or len(value) > 60:
        return
    if "\n" in context.text(node):
        return
    guesses = [value.strip(), value + " ", " " + value, value.lower(), value.upper()]
    guesses += [value.capitalize(), value.replace(" ", ""), value[:-1], value[1:], value + "\n"]
    guesses += ["", " "] if len(value) < 2 else []
    alike = next((group for group in CHARACTERS if len(value) == 1 and value in group), "")
    guesses += [character for character in alike if character != value]
    for guess in dict.fromkeys(guesses):
        if guess != value:
            yield context.replace(node, quoted(guess, context.text(node)))


def quoted(value: str, like: str) -> str:
    """A literal of `value` with the quote character of another literal where that is possible."""
    text = repr(value)
    if like.endswith('"') and '"' not in value and text.startswith("'"):
        return '"' + text[1:-1].replace("\\'", "'") + '"'
    return text


@operator("open-encoding", ast.Call, prior=0.5)
def open_encoding(node: ast.Call, context: Context) -> Iterator[Edit]:
    """A text file opened in whatever the machine's encoding is."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    known = {keyword.arg for keyword in node.keywords}
    if name in ("open", "read_text", "write_text") and "encoding" not in known:
        yield context.append_argument(node, 'encoding="utf-8"')
