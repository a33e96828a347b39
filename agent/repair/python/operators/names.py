"""Names: a wrong variable, attribute or function of those in scope, and whole expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.facts import dotted
from agent.repair.python.operators.registry import operator

MAX_NAMES = 10
Method = ast.FunctionDef | ast.AsyncFunctionDef


def called(node: ast.AST, context: Context) -> bool:
    parent = context.parent(node)
    return isinstance(parent, ast.Call) and parent.func is node


@operator("wrong-name", ast.Name, prior=7.0)
def wrong_name(node: ast.Name, context: Context) -> Iterator[Edit]:
    """Another variable in scope, arguments and often used ones first."""
    if called(node, context) or _annotation(node, context):
        return
    donors = [name for name in context.local_names if name != node.id]
    donors += [name for name in context.module_names if name != node.id and name not in donors]
    for rank, name in enumerate(donors[:MAX_NAMES]):
        closeness = 1.5 if _alike(name, node.id) else 1.0
        yield context.replace(node, name, closeness / (1 + 0.1 * rank))


def _alike(one: str, other: str) -> bool:
    """Whether names are easily taken for another: a shared beginning, end or word."""
    words = set(one.lower().split("_")) & set(other.lower().split("_"))
    return bool(words) or one[:3] == other[:3] or one[-3:] == other[-3:]


def _annotation(node: ast.AST, context: Context) -> bool:
    child = node
    for ancestor in context.module.ancestors(node):
        if isinstance(ancestor, ast.arg):
            return True
        if child in (getattr(ancestor, "returns", None), getattr(ancestor, "annotation", None)):
            return True
        if isinstance(ancestor, ast.stmt):
            return False
        child = ancestor
    return False


@operator("wrong-function", ast.Name, prior=3.0)
def wrong_function(node: ast.Name, context: Context) -> Iterator[Edit]:
    """Another function of the module that could take the same arguments."""
    parent = context.parent(node)
    if not isinstance(parent, ast.Call) or parent.func is not node:
        return
    given = len(parent.args) + len(parent.keywords)
    others = [name for name in context.callables if name != node.id]
    for name in others[: 2 * MAX_NAMES]:
        if fits(context.signatures.get(name), given):
            yield context.replace(node, name, 1.5 if _alike(name, node.id) else 0.8)


def fits(signature: ast.arguments | None, given: int) -> bool:
    """Whether a call with so many arguments is possible; unknown signatures fit."""
    if signature is None or signature.vararg or signature.kwarg:
        return True
    every = [a.arg for a in [*signature.posonlyargs, *signature.args, *signature.kwonlyargs]]
    bound = 1 if every[:1] in (["self"], ["cls"]) else 0
    optional = len(signature.defaults) + sum(d is not None for d in signature.kw_defaults)
    return len(every) - bound - optional <= given <= len(every) - bound


@operator("wrong-attribute", ast.Attribute, prior=5.0)
def wrong_attribute(node: ast.Attribute, context: Context) -> Iterator[Edit]:
    """Another attribute that this file uses on the same receiver."""
    receiver = dotted(node.value)
    if not receiver:
        return
    methods = _methods(context)
    seen = list(context.attributes.get(receiver, ()))
    if receiver in ("self", "cls"):
        seen += [name for name in (*methods, *_class_names(context)) if name not in seen]
    is_call = called(node, context)
    others = [name for name in seen if name != node.attr and (name in methods) == is_call]
    own = methods.get(node.attr) if receiver in ("self", "cls") else None
    parent, same = context.parent(node), set[str]()
    if own is not None and is_call and isinstance(parent, ast.Call):
        given = len(parent.args) + len(parent.keywords)
        others = [name for name in others if fits(methods[name].args, given)]
        same = {name for name in others if _gives_the_same(methods[name], own)}
        others.sort(key=lambda name: name not in same)
    bare = node.attr.strip("_")
    others += [name for name in (bare, f"_{bare}") if name not in (node.attr, *others)]
    for name in others[: MAX_NAMES + 2]:
        weight = 1.5 if name in same or _alike(name, node.attr) else 1.0
        yield context.replace(node, f"{context.text(node.value)}.{name}", weight)


def _gives_the_same(one: Method, other: Method) -> bool:
    """Whether both are annotated with the same result, which says something."""
    if one.returns is None or other.returns is None or isinstance(one.returns, ast.Constant):
        return False
    return ast.dump(one.returns) == ast.dump(other.returns)


def _methods(context: Context) -> dict[str, Method]:
    body = context.enclosing_class.body if context.enclosing_class else []
    return {
        member.name: member
        for member in body
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(getattr(d, "id", "") == "property" for d in member.decorator_list)
    }


def _class_names(context: Context) -> list[str]:
    """Attributes and properties that the class body declares."""
    found, methods = [], _methods(context)
    for member in context.enclosing_class.body if context.enclosing_class else []:
        if isinstance(member, ast.FunctionDef) and member.name not in methods:
            found.append(member.name)
        elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            found.append(member.target.id)
        elif isinstance(member, ast.Assign):
            found += [target.id for target in member.targets if isinstance(target, ast.Name)]
    return found


@operator("wrong-receiver", ast.Attribute, prior=2.0)
def wrong_receiver(node: ast.Attribute, context: Context) -> Iterator[Edit]:
    """`self.total` for `total` and the other way; `other.total` for `self.total` is a name."""
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        if node.attr in context.local_names and not called(node, context):
            yield context.replace(node, node.attr)
        for receiver in context.local_names:
            if node.attr in context.attributes.get(receiver, ()) or receiver == "other":
                yield context.replace(node, f"{receiver}.{node.attr}")


@operator("own-class", ast.Name, prior=1.0)
def own_class(node: ast.Name, context: Context) -> Iterator[Edit]:
    """`type(self)` or `cls` for a class named outright, which a subclass is not."""
    owner = context.enclosing_class
    owners = {owner.name} if owner is not None else set()
    first = context.function.args.args[:1] if context.function is not None else []
    if first and isinstance(first[0].annotation, ast.Name | ast.Constant):
        owners.add(context.text(first[0].annotation).strip("\"'"))
    if node.id in owners and first and not _annotation(node, context):
        own = {"self": "type(self)", "cls": "cls"}.get(first[0].arg)
        if own is not None:
            yield context.replace(node, own)


@operator("missing-receiver", ast.Name, prior=2.0)
def missing_receiver(node: ast.Name, context: Context) -> Iterator[Edit]:
    """`total` for `self.total`, `account` for `account.balance`."""
    if node.id == "self" or _annotation(node, context):
        return
    if node.id in context.attributes.get("self", ()) and context.enclosing_class:
        yield context.replace(node, f"self.{node.id}", 2.0)
    if isinstance(node.ctx, ast.Load) and not isinstance(
        context.parent(node), ast.Attribute | ast.FormattedValue
    ):
        for attribute in context.attributes.get(node.id, ())[:4]:
            if attribute not in context.signatures and not called(node, context):
                yield context.replace(node, f"{node.id}.{attribute}", 0.6)


@operator("other-expression", ast.Return, ast.Assign, prior=1.2)
def other_expression(node: ast.Return | ast.Assign, context: Context) -> Iterator[Edit]:
    """A value that is a plain name in scope, or an expression written elsewhere nearby."""
    if node.value is None:
        return
    own = context.text(node.value)
    donors = dict.fromkeys(context.local_names[:MAX_NAMES], 1.0)
    for other in context.nodes:
        if isinstance(other, ast.Return) and other.value is not None and other is not node:
            donors.setdefault(context.text(other.value), 0.8)
    simple = isinstance(node.value, ast.Name)
    for text, weight in donors.items():
        if text != own and not (simple and text.isidentifier()) and "\n" not in text:
            yield context.replace(node.value, text, weight)


@operator("swap-targets", ast.Assign, prior=1.0)
def swap_targets(node: ast.Assign, context: Context) -> Iterator[Edit]:
    """`a, b = …` for `b, a = …`, on either side."""
    for side in (*node.targets, node.value):
        if isinstance(side, ast.Tuple) and len(side.elts) == 2:
            first, second = side.elts
            start, end = context.module.start(first), context.module.end(second)
            middle = context.module.text[context.module.end(first) : context.module.start(second)]
            text = f"{context.text(second)}{middle}{context.text(first)}"
            yield Edit(start, end, text, line=context.line(node))
