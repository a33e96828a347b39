"""Code taken from this and other functions: expressions, calls, keywords and statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.names import called, fits
from agent.repair.python.operators.registry import operator
from agent.repair.python.operators.statements import SIMPLE, documentation

MAX_EXPRESSIONS = 8
MAX_CALLS = 6
MAX_STATEMENTS = 5


@operator("donor-expression", ast.Attribute, ast.Subscript, ast.Call, ast.Name, prior=2.0)
def donor_expression(node: ast.expr, context: Context) -> Iterator[Edit]:
    """Another expression of the same function in place of this one, the most alike first."""
    parent = context.parent(node)
    if called(node, context) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(parent, ast.Attribute | ast.FormattedValue | ast.Expr | ast.Subscript):
        return
    own = context.text(node)
    inside = {context.text(part) for part in ast.walk(node) if isinstance(part, ast.expr)}
    found: dict[str, float] = {}
    for other in context.nodes:
        if isinstance(other, ast.Attribute | ast.Subscript | ast.Call) and other is not node:
            loaded = isinstance(getattr(other, "ctx", ast.Load()), ast.Load)
            # An attribute that is set here has a value already: `self.last += 1` for a count.
            usable = loaded or isinstance(other, ast.Attribute)
            text = context.short_text(other) if usable and not called(other, context) else ""
            if text and text != own and text not in inside:
                found.setdefault(text, _likeness(own, text) + (type(other) is type(node)))
    ranked = sorted(found, key=lambda text: (-found[text], text))
    for rank, text in enumerate(ranked[:MAX_EXPRESSIONS]):
        yield context.replace(node, text, 1.0 / (1 + 0.2 * rank))
    if isinstance(parent, ast.Call):
        for text in (text for text, parts in context.composed.items() if own in parts):
            # Twice the weight: it moved the fix of cattrs from place 1,042 to 509.
            yield context.rewrite(node, text, 2.0)


def _likeness(one: str, other: str) -> float:
    """Share of letters in the common beginning and end, 0 to 1."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    for left, right in zip(one[count:][::-1], other[count:][::-1], strict=False):
        if left != right:
            break
        count += 1
    return count / max(len(one), len(other))


@operator("wrap-own-call", ast.Return, ast.Assign, ast.Call, ast.keyword, prior=1.5)
def wrap_own_call(node: ast.AST, context: Context) -> Iterator[Edit]:
    """A value that should go through a function of this module first: `x` for `self.f(x)`."""
    values: list[ast.expr] = []
    if isinstance(node, ast.Call):
        values = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
    elif isinstance(getattr(node, "value", None), ast.expr):
        values = [node.value]  # type: ignore[attr-defined]
    for value in values:
        if isinstance(value, ast.Constant):
            continue
        for rank, name in enumerate(context.converters[:MAX_CALLS]):
            if not context.text(value).startswith(f"{name}("):
                yield context.replace(value, f"{name}({context.text(value)})", 1 / (1 + 0.3 * rank))


@operator("append-own-method", ast.Name, ast.Attribute, ast.Call, ast.Subscript, prior=1.2)
def append_own_method(node: ast.expr, context: Context) -> Iterator[Edit]:
    """A method without arguments that this file calls on other values: `x` for `x.read()`."""
    parent = context.parent(node)
    if called(node, context) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(parent, ast.Attribute | ast.FormattedValue | ast.Expr):
        return
    for rank, method in enumerate(context.bare_methods[:MAX_CALLS]):
        yield context.replace(node, f"{context.atom(node)}.{method}()", 1 / (1 + 0.3 * rank))


@operator("donor-keyword", ast.Call, prior=2.0)
def donor_keyword(node: ast.Call, context: Context) -> Iterator[Edit]:
    """A keyword that other calls of the same function are given, or that its signature names."""
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    known = {keyword.arg for keyword in node.keywords}
    found: dict[str, float] = {}
    for key, text in context.keywords.get(name, ()):
        if key not in known:
            found.setdefault(f"{key}={text}", 1.0)
    signature = context.signatures.get(name)
    if signature is not None:
        for arg in context.parameters(signature)[len(node.args) :]:
            if arg not in known:
                found |= {f"{arg}={text}": weight for text, weight in _values(arg, context)}
    for text, weight in sorted(found.items(), key=lambda item: -item[1])[: 2 * MAX_CALLS]:
        yield context.append_argument(node, text, weight)


def _values(arg: str, context: Context) -> Iterator[tuple[str, float]]:
    """What an argument of this name is likely given here."""
    if arg in context.local_names:
        yield arg, 2.0
    for receiver, names in context.attributes.items():
        if arg in names and receiver.partition(".")[0] in ("self", *context.local_names):
            yield f"{receiver}.{arg}", 1.2
    yield from (("True", 0.5), ("False", 0.4), ("None", 0.3))


@operator("keyword-style", ast.Call, prior=1.0)
def keyword_style(node: ast.Call, context: Context) -> Iterator[Edit]:
    """A value given by position that goes to the wrong parameter, or the other way."""
    signature = context.signatures.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
    if signature is None:
        return
    names = context.parameters(signature)
    known = {keyword.arg for keyword in node.keywords}
    if node.args and not isinstance(node.args[-1], ast.Starred):
        for name in names[len(node.args) - 1 :]:
            if name not in known:
                yield context.replace(node.args[-1], f"{name}={context.text(node.args[-1])}")
    for keyword in node.keywords[:1]:
        if keyword.arg:
            yield context.replace(keyword, context.text(keyword.value), 0.5)


@operator("neighbour-function", ast.Attribute, prior=2.0)
def neighbour_function(node: ast.Attribute, context: Context) -> Iterator[Edit]:
    """Another function of the imported module that could take the same arguments."""
    parent = context.parent(node)
    if not (
        isinstance(parent, ast.Call) and parent.func is node and isinstance(node.value, ast.Name)
    ):
        return
    given = len(parent.args) + len(parent.keywords)
    foreign = context.foreign.get(node.value.id, {})
    others = [n for n, spec in foreign.items() if n != node.attr and fits(spec, given)]
    others.sort(key=lambda name: -_likeness(name, node.attr))
    for name in others[:MAX_EXPRESSIONS]:
        yield context.replace(node, f"{node.value.id}.{name}")


@operator("neighbour-statement", *SIMPLE, prior=0.6)
def neighbour_statement(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """A statement that functions beside this one have and this one lacks."""
    if context.function is None or documentation(node):
        return
    for text in context.missing_statements[:MAX_STATEMENTS]:
        yield from context.insert_before(node, [text])
        if context.block(node)[-1] is node:
            yield from context.insert_after(node, [text])


@operator("method-for-attribute", ast.Attribute, prior=1.0)
def method_for_attribute(node: ast.Attribute, context: Context) -> Iterator[Edit]:
    """`self.items` for `self.all_items()`, the most alike first."""
    if called(node, context) or not isinstance(node.ctx, ast.Load):
        return
    if isinstance(node.value, ast.Name) and node.value.id == "self" and context.enclosing_class:
        methods = [
            member.name
            for member in context.enclosing_class.body
            if isinstance(member, ast.FunctionDef) and fits(member.args, 0)
        ]
        methods.sort(key=lambda name: -_likeness(name, node.attr))
        for rank, name in enumerate(methods[:MAX_CALLS]):
            yield context.replace(node, f"self.{name}()", 1 / (1 + 0.3 * rank))
