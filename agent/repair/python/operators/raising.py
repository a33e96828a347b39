"""What a line that an error of a failing test came through may lack.

The strategies of NPEFix (Durieux et al., 2017: leave, skip, replace the value) for any kind of
error: which value is at fault is read from the error's message where it says so.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.facts import dotted
from agent.repair.python.operators.names import called
from agent.repair.python.operators.raising_expected import wanted_errors
from agent.repair.python.operators.registry import operator
from agent.repair.python.operators.statements import SIMPLE, documentation, in_loop
from agent.repair.python.scope import BUILTINS

HEADED = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.With)
VALUES = (ast.Name, ast.Attribute, ast.Subscript)
OF_TYPE = re.compile(r"'(\w+)' object|got '?(\w+)'?$|not (\w+)$")
"""The type that did not fit, in the messages of TypeError and AttributeError."""
UNDEFINED = re.compile(r"name '(\w+)' is not defined")
EMPTY = {"float": "0.0", "int": "0", "str": '""', "bool": "False", "list": "[]", "dict": "{}",
         "set": "set()", "tuple": "()", "bytes": 'b""'}  # fmt: skip
"""What a function of such an annotation returns for nothing."""
TYPES = re.compile(r"\b(bytes|str|int|float|list|dict|tuple|set)\b")
BOTH_WAYS = ["{}.decode()", "{}.encode()"]
SUBSCRIPT_ERRORS = ("KeyError", "IndexError", "TypeError")
NO_ERRORS = ("AssertionError", "TestTimeout")
MAX_VALUES = 4
MAX_RESULTS = 4
MAX_RAISES = 2


def error_at(node: ast.stmt, context: Context) -> str:
    """The error that came through a statement, or through the header of a block; or nothing."""
    last = node.end_lineno or node.lineno
    if isinstance(node, HEADED):
        last = max(node.lineno, node.body[0].lineno - 1)
    lines = range(node.lineno, last + 1)
    return next((context.errors[line] for line in lines if line in context.errors), "")


def kind_of(error: str) -> str:
    """`ValueError` of `ValueError: too many values`; empty where the code itself raised nothing."""
    kind = error.partition(":")[0].rpartition(".")[2].strip()
    return kind if kind.isidentifier() and kind not in NO_ERRORS else ""


@operator("leave-before-error", *SIMPLE, *HEADED, prior=10.0)
def leave_before_error(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """Leave the function or go on with the loop where a value would make the next line raise."""
    error = error_at(node, context)
    if not kind_of(error) or context.function is None or documentation(node):
        return
    step, actions = context.step(node), list(_exits(node, context))
    for rank, value in enumerate(blamed(node, error, context)[:MAX_VALUES]):
        for test, likely in _tests(value, error, context):
            for place, action in enumerate(actions):
                weight = likely / (1 + rank) / (1 + 0.3 * place)
                lines = [f"if {test}:", f"{step}{action}"]
                yield from context.insert_before(node, lines, weight)


@operator("value-for-error", ast.Assign, ast.Return, ast.AugAssign, ast.Expr, prior=3.0)
def value_for_error(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """`x = a / b` raises: `x = a / b if b else 0`, or nothing is done."""
    error = error_at(node, context)
    value = getattr(node, "value", None)
    if not kind_of(error) or value is None or documentation(node):
        return
    instead = [*_returned(context), "None"] if isinstance(node, ast.Return) else ["None", "0", "[]"]
    if kind_of(error) == "ZeroDivisionError":
        instead = ["0", "0.0", *instead]
    for rank, other in enumerate(blamed(node, error, context)[:MAX_VALUES]):
        if isinstance(node, ast.Expr):
            yield from context.enclose(node, f"if {other}:", weight=1 / (1 + rank))
            continue
        for place, text in enumerate(dict.fromkeys(instead)):
            changed = f"{context.atom(value)} if {other} else {text}"
            yield context.replace(value, changed, 1 / (1 + rank) / (1 + place))


@operator("catch-this-error", *SIMPLE, prior=2.0)
def catch_this_error(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """The error that a statement raised is caught there."""
    kind = kind_of(error_at(node, context))
    if kind not in BUILTINS or context.function is None or documentation(node):
        return
    for place, action in enumerate(["pass", *_exits(node, context)]):
        tail = [f"except {kind}:", f"{context.step(node)}{action}"]
        yield from context.enclose(node, "try:", tail, 1 / (1 + 0.3 * place))


@operator("convert-for-error", *SIMPLE, *HEADED, prior=6.0)
def convert_for_error(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A value of another type than the message asks for: `str(x)`, `x.decode()`."""
    error = error_at(node, context)
    wrap = list(_conversions(error))
    if kind_of(error) != "TypeError" or not wrap or documentation(node):
        return
    for part in _parts(node):
        if isinstance(part, (*VALUES, ast.Call)) and not called(part, context):
            if not isinstance(getattr(part, "ctx", ast.Load()), ast.Load):
                continue
            for form in wrap:
                yield context.replace(part, form.format(context.atom(part)))
            if isinstance(part, ast.Call) and wrap == BOTH_WAYS:
                yield from _there_and_back(part, context)


def _conversions(error: str) -> Iterator[str]:
    """How a value is made fit, by the types that the message names."""
    named = set(TYPES.findall(error))
    if {"bytes", "str"} <= named or "bytes-like" in error:
        yield from BOTH_WAYS
    elif "unhashable" in error:
        yield "tuple({})"
    else:
        yield from (f"{name}({{}})" for name in ("str", "int", "float") if name in named)
        if "subscriptable" in error or "len()" in error:
            yield "list({})"


def _there_and_back(call: ast.Call, context: Context) -> Iterator[Edit]:
    """`f(x)` with bytes through a function of text: `f(x.decode()).encode()`, or the other way."""
    for given in call.args:
        if isinstance(given, VALUES):
            text, own = context.text(call), context.text(given)
            for inner, outer in (BOTH_WAYS, BOTH_WAYS[::-1]):
                start = context.module.start(given) - context.module.start(call)
                changed = text[:start] + inner.format(own) + text[start + len(own) :]
                yield context.replace(call, outer.format(changed))


@operator("import-undefined", ast.Name, prior=20.0)
def import_undefined(node: ast.Name, context: Context) -> Iterator[Edit]:
    """A module of the standard library that is used and not imported."""
    error = context.errors.get(node.lineno, "")
    missing = UNDEFINED.search(error)
    if not missing or missing[1] != node.id or node.id not in sys.stdlib_module_names:
        return
    body = context.module.tree.body
    first = next((n for n in body if isinstance(n, ast.Import) or _is_plain_from(n)), None)
    first = first or next((n for n in body if not documentation(n)), None)
    if first is not None:
        yield from context.insert_before(first, [f"import {node.id}"])


def _is_plain_from(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module != "__future__"


def blamed(node: ast.stmt, error: str, context: Context) -> list[str]:
    """Values of the statement that may have made it raise, the likeliest first."""
    parts = _parts(node)
    sure = [value for part in parts for value in _sure(part, error, context)]
    found = [part for part in (*sure, *parts) if _is_value(part, context)]
    return [text for text in dict.fromkeys(map(context.short_text, found)) if text]


def _sure(part: ast.expr, error: str, context: Context) -> Iterator[ast.expr]:
    """The value that the error's message or its kind tells of, where this part has it."""
    kind = kind_of(error)
    told = isinstance(part, ast.Attribute) and f"attribute '{part.attr}'" in error
    looked_up = isinstance(part, ast.Subscript) and kind in SUBSCRIPT_ERRORS
    if isinstance(part, ast.BinOp) and kind == "ZeroDivisionError":
        yield part.right
    elif isinstance(part, ast.Starred | ast.Attribute | ast.Subscript):
        if told or looked_up or isinstance(part, ast.Starred):
            yield part.value
    elif "iterable" in error and _is_iterated(part, context):
        yield part


def _parts(node: ast.stmt) -> list[ast.expr]:
    return [part for root in _header(node) for part in ast.walk(root) if isinstance(part, ast.expr)]


def _header(node: ast.stmt) -> list[ast.AST]:
    """What of a statement runs before its blocks do."""
    blocks = ("body", "orelse", "finalbody", "handlers", "targets", "target")
    found: list[ast.AST] = []
    for name, field in ast.iter_fields(node):
        if name not in blocks:
            found += [n for n in (field if isinstance(field, list) else [field])
                      if isinstance(n, ast.AST)]  # fmt: skip
    return found


def _is_iterated(part: ast.expr, context: Context) -> bool:
    parent = context.parent(part)
    return isinstance(parent, ast.For | ast.comprehension) and parent.iter is part


def _is_value(part: ast.expr, context: Context) -> bool:
    """Whether it is known before the statement runs, and may be empty or missing."""
    if not isinstance(part, VALUES) or called(part, context):
        return False
    name = dotted(part).partition(".")[0] or context.short_text(part)
    own = name in context.local_names or (name == "self" and not isinstance(part, ast.Name))
    return own or isinstance(part, ast.Subscript)


def _tests(value: str, error: str, context: Context) -> Iterator[tuple[str, float]]:
    """Conditions under which the value does not serve, with how likely each is meant."""
    if "NoneType" in error:
        yield f"{value} is None", 1.0
        yield f"not {value}", 0.8
        return
    wrong = OF_TYPE.search(error)
    name = next((word for word in wrong.groups() if word), "") if wrong else ""
    if name in context.known:
        yield f"isinstance({value}, {name})", 1.0
    yield f"not {value}", 1.0
    if kind_of(error) != "ZeroDivisionError":
        yield f"{value} is None", 0.4


def _exits(node: ast.stmt, context: Context) -> Iterator[str]:
    if in_loop(node, context):
        yield "continue"
    returned, raised = list(dict.fromkeys(_returned(context))), _raised(context)
    yield from (*(f"return {one}" for one in returned[:2]), *raised)
    yield from (f"return {one}" for one in returned[2:])
    if in_loop(node, context):
        yield "break"


def _raised(context: Context) -> list[str]:
    wanted = [f"raise {error}" for error in wanted_errors(context)]
    return [*wanted, *context.raises][: max(MAX_RAISES, len(wanted))]


def _returned(context: Context) -> Iterator[str]:
    """What the function gives back for nothing: by its annotation, by its other returns."""
    returns = getattr(context.function, "returns", None)
    base = returns.value if isinstance(returns, ast.Subscript) else returns
    if base is not None and context.text(base).lower() in EMPTY:
        yield EMPTY[context.text(base).lower()]
    yield "None"
    yield from context.results[:MAX_RESULTS]
    yield from ("0.0", "[]", '""', "False", "{}")
