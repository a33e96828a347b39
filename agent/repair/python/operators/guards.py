"""Guards: empty, missing or already seen input, mutable defaults, a missing `await` or copy."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeGuard

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.names import called
from agent.repair.python.operators.registry import operator
from agent.repair.python.operators.statements import documentation

RESULTS = ("None", "0", "[]", '""', "False", "True", "{}")
MAX_NAMES = 4
MAX_FLAGS = 12
LIST_CHANGES = ("append", "extend", "insert", "remove", "sort", "reverse", "pop", "clear")
DICT_CHANGES = ("update", "setdefault", "popitem")
CHANGES = {**dict.fromkeys(LIST_CHANGES, "list"), **dict.fromkeys(DICT_CHANGES, "dict")}
"""Methods that change what they are called on, and what that is."""


def first_statement(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt | None:
    """The first statement behind the docstring."""
    body = node.body[1:] if documentation(node.body[0]) else node.body
    return body[0] if body else None


@operator("guard-argument", ast.FunctionDef, ast.AsyncFunctionDef, prior=2.0)
def guard_argument(
    node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context
) -> Iterator[Edit]:
    """Return early for an empty or missing argument."""
    first = first_statement(node)
    if first is None:
        return
    step = context.step(first)
    names = [name for name in context.arguments if name not in ("self", "cls")][:MAX_NAMES]
    for rank, name in enumerate(names):
        nearby = [text for text in context.results if text not in RESULTS and text != name]
        for result in (*RESULTS, name, *nearby[:MAX_NAMES]):
            lines = [f"if not {name}:", f"{step}return {result}"]
            yield from context.insert_before(first, lines, 1.0 / (1 + rank))
        lines = [f"if {name} is None:", f"{step}return None"]
        yield from context.insert_before(first, lines, 0.8 / (1 + rank))
        for empty in ("[]", "{}", '""', "0"):
            lines = [f"if {name} is None:", f"{step}{name} = {empty}"]
            yield from context.insert_before(first, lines, 0.4 / (1 + rank))


@operator("guard-state", ast.FunctionDef, ast.AsyncFunctionDef, prior=2.0)
def guard_state(node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context) -> Iterator[Edit]:
    """Return early where a switch of the object says so."""
    first = first_statement(node)
    if first is None or context.enclosing_class is None or node.args.args[:1] == []:
        return
    if node.args.args[0].arg != "self" or _is_switch(node):
        return
    step = context.step(first)
    for name in [n.name for n in context.enclosing_class.body if _is_switch(n)][:MAX_NAMES]:
        for test in (f"self.{name}", f"not self.{name}"):
            yield from context.insert_before(first, [f"if {test}:", f"{step}return None"])


def _is_switch(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    """Whether it is a property that is true or false."""
    if not isinstance(node, ast.FunctionDef) or not isinstance(node.returns, ast.Name):
        return False
    words = [getattr(word, "id", "") for word in node.decorator_list]
    return node.returns.id == "bool" and bool({"property", "cached_property"} & set(words))


@operator("guard-statement", ast.Return, ast.Assign, ast.Expr, ast.For, ast.AugAssign, prior=1.0)
def guard_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """Do a statement only when a name in it holds something."""
    if documentation(node) or context.function is None or not context.whole_lines(node):
        return
    used = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    step = context.step(node)
    for name in [n for n in dict.fromkeys(used) if n in context.local_names][:MAX_NAMES]:
        if isinstance(node, ast.Return | ast.For):
            for result in ("None", "0", "[]", "False"):
                lines = [f"if not {name}:", f"{step}return {result}"]
                yield from context.insert_before(node, lines, 0.5)
            yield from context.insert_before(
                node, [f"if {name} is None:", f"{step}return None"], 0.5
            )
        for test in (name, f"{name} is not None"):
            yield from context.enclose(node, f"if {test}:", weight=0.7)


@operator("skip-flagged", ast.For, ast.comprehension, prior=1.0)
def skip_flagged(node: ast.For | ast.comprehension, context: Context) -> Iterator[Edit]:
    """Leave out of a loop what a flag of its own says to: `if item.hidden: continue`."""
    flags = context.flags[:MAX_FLAGS]
    if isinstance(node, ast.comprehension):
        if isinstance(node.target, ast.Name):
            end = context.module.end((node.iter, *node.ifs)[-1])
            for flag in flags:
                for word, weight in (("not ", 1.0), ("", 0.5)):
                    text = f" if {word}{node.target.id}.{flag}"
                    yield Edit(end, end, text, weight=weight, line=context.module.line_of(end))
        return
    held = [(node.target, node.body[0])]
    held += [(one.targets[0], after) for one, after in pairwise(node.body) if _names_one(one)]
    for name, following in [(n.id, after) for n, after in held if isinstance(n, ast.Name)]:
        step = context.step(following)
        for flag in flags:
            for word, weight in (("", 1.0), ("not ", 0.5)):
                lines = [f"if {word}{name}.{flag}:", f"{step}continue"]
                yield from context.insert_before(following, lines, weight)


def _names_one(node: ast.stmt) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and len(node.targets) == 1


@operator("guard-value", ast.Name, ast.Attribute, ast.Call, prior=0.7)
def guard_value(node: ast.expr, context: Context) -> Iterator[Edit]:
    """`x` where `x or []` was meant."""
    parent = context.parent(node)
    iterated = isinstance(parent, ast.For | ast.comprehension) and node is parent.iter
    if iterated or isinstance(parent, ast.Return | ast.Assign):
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return
        for empty in ("[]",) if iterated else ("[]", "0", '""', "None", "{}"):
            yield context.rewrite(node, f"{context.atom(node)} or {empty}")
    elif isinstance(parent, ast.Call | ast.BinOp | ast.keyword) and not called(node, context):
        for empty in ("0", '""', "[]"):
            yield context.rewrite(node, f"{context.atom(node)} or {empty}", 0.6)


@operator("mutable-default", ast.FunctionDef, ast.AsyncFunctionDef, prior=4.0)
def mutable_default(
    node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context
) -> Iterator[Edit]:
    """`def f(x=[])` keeps its list from call to call."""
    first = first_statement(node)
    if first is None or not context.whole_lines(first):
        return
    spec = node.args
    positional = [*spec.posonlyargs, *spec.args]
    pairs = list(
        zip(positional[len(positional) - len(spec.defaults) :], spec.defaults, strict=True)
    )
    pairs += [(a, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d]
    module, step = context.module, context.step(first)
    for arg, default in pairs:
        empty_call = isinstance(default, ast.Call) and not default.args
        if isinstance(default, ast.List | ast.Dict | ast.Set) or empty_call:
            begin = module.start(default)
            body = module.line_start(context.line(first))
            guard = [f"if {arg.arg} is None:", f"{step}{arg.arg} = {context.text(default)}"]
            middle = module.text[module.end(default) : body]
            text = "None" + middle + context.laid_out(first, guard)
            yield Edit(begin, body, text, line=context.line(node))


@operator("await-call", ast.Call, prior=3.0)
def await_call(node: ast.Call, context: Context) -> Iterator[Edit]:
    inside = isinstance(context.function, ast.AsyncFunctionDef)
    if inside and not isinstance(context.parent(node), ast.Await):
        yield context.rewrite(node, f"await {context.text(node)}")


@operator("drop-await", ast.Await, prior=1.0)
def drop_await(node: ast.Await, context: Context) -> Iterator[Edit]:
    yield context.replace(node, context.text(node.value))


@operator("copy-value", ast.Assign, ast.Return, prior=1.0)
def copy_value(node: ast.Assign | ast.Return, context: Context) -> Iterator[Edit]:
    """The caller's own list or dictionary is handed on instead of a copy."""
    if isinstance(node.value, ast.Name | ast.Attribute):
        text = context.text(node.value)
        for copy in (f"list({text})", f"{text}.copy()", f"dict({text})", f"{text}[:]"):
            yield context.replace(node.value, copy)


@operator("copy-argument", ast.FunctionDef, ast.AsyncFunctionDef, prior=4.0)
def copy_argument(node: ast.FunctionDef | ast.AsyncFunctionDef, context: Context) -> Iterator[Edit]:
    """The caller's own list or dictionary is changed."""
    first = first_statement(node)
    if first is None:
        return
    changed: dict[str, set[str]] = {}
    for part in ast.walk(node):
        name, kind = _changed(part)
        if kind:
            changed.setdefault(name, set()).add(kind)
    for name in [name for name in context.arguments if name in changed]:
        for copy in (*(f"{kind}({name})" for kind in sorted(changed[name])), f"{name}.copy()"):
            yield from context.insert_before(first, [f"{name} = {copy}"])


def _changed(node: ast.AST) -> tuple[str, str]:
    """The name of what the part changes, and `list` or `dict`; empty where there is none."""
    held = getattr(node.func if isinstance(node, ast.Call) else node, "value", None)
    if not isinstance(held, ast.Name) or held.id in ("self", "cls"):
        return "", ""
    if isinstance(node, ast.Call):
        return held.id, CHANGES.get(getattr(node.func, "attr", ""), "")
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        at = node.slice
        numbered = isinstance(at, ast.Slice | ast.UnaryOp)
        numbered = numbered or isinstance(getattr(at, "value", None), int)
        return held.id, "list" if numbered else "dict"
    return "", ""
