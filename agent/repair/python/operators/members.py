"""Functions as members of a module or class: decorators, parameters, `super()`, outer names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.guards import first_statement
from agent.repair.python.operators.names import fits
from agent.repair.python.operators.registry import operator
from agent.repair.python.parsed import Function

MAX_DECORATORS = 5


@operator("decorator", ast.FunctionDef, ast.AsyncFunctionDef, prior=1.0)
def change_decorator(node: Function, context: Context) -> Iterator[Edit]:
    """A decorator too many, or one missing that neighbours have."""
    module, line = context.module, context.line(node)
    for decorator in node.decorator_list:
        number = decorator.lineno
        last = decorator.end_lineno or number
        yield Edit(module.line_start(number), module.line_end(last), "", line=number)
    usual = ["staticmethod", "classmethod", "property"] if context.enclosing_class else []
    found = [context.text(d) for sibling in context.siblings for d in sibling.decorator_list]
    own = {context.text(decorator) for decorator in node.decorator_list}
    names = [
        name for name in dict.fromkeys([*found, *usual]) if name not in own and "\n" not in name
    ]
    start = module.start(node)
    indent = module.indent(node)
    for name in names[:MAX_DECORATORS]:
        yield Edit(start, start, f"@{name}{module.newline}{indent}", line=line)
        for decorator in node.decorator_list:
            yield context.replace(decorator, name, 0.6)


@operator("parameter-default", ast.arg, prior=0.8)
def parameter_default(node: ast.arg, context: Context) -> Iterator[Edit]:
    """A parameter that callers may leave out, or must not."""
    spec = context.parent(node)
    if not isinstance(spec, ast.arguments) or node.arg in ("self", "cls") or node not in spec.args:
        return
    first = len(spec.args) - len(spec.defaults)
    position = spec.args.index(node)
    end = context.module.end(node)
    if position == first - 1:
        equals = " = " if node.annotation else "="
        for value in ("None", "False", "True", "0", '""', "()"):
            yield Edit(end, end, equals + value, line=context.line(node))
    elif position == first:
        default = spec.defaults[0]
        yield Edit(end, context.module.end(default), "", weight=0.3, line=context.line(node))


@operator("super-call", ast.FunctionDef, ast.AsyncFunctionDef, prior=1.0)
def super_call(node: Function, context: Context) -> Iterator[Edit]:
    """A method that forgets what its base class does."""
    first, owner = first_statement(node), context.enclosing_class
    if first is None or owner is None or not owner.bases or context.function is not node:
        return
    if any(isinstance(n, ast.Name) and n.id == "super" for n in ast.walk(node)):
        return
    spec = node.args
    parts = [arg.arg for arg in [*spec.posonlyargs, *spec.args][1:]]
    parts += [f"*{spec.vararg.arg}"] if spec.vararg else []
    parts += [f"{arg.arg}={arg.arg}" for arg in spec.kwonlyargs]
    parts += [f"**{spec.kwarg.arg}"] if spec.kwarg else []
    word = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    for arguments in dict.fromkeys((", ".join(parts), "")):
        call = f"{word}super().{node.name}({arguments})"
        yield from context.insert_before(first, [call])
        yield from context.insert_after(node.body[-1], [call], 0.6)


@operator("own-method", ast.Delete, ast.Assign, ast.AugAssign, ast.Expr, prior=1.5)
def own_method(node: ast.stmt, context: Context) -> Iterator[Edit]:
    """An attribute is changed by hand where a method of the class does that, and more besides."""
    owner, home = context.enclosing_class, context.function
    name, arguments = _changed_by_hand(node)
    if owner is None or home is None or not name or home.name == "__init__":
        return
    texts = [context.text(argument) for argument in arguments]
    methods = [
        member
        for member in owner.body
        if isinstance(member, ast.FunctionDef)
        and member is not home
        and not member.decorator_list
        and not member.name.startswith("__")
        and any(_own_attribute(part) == name for part in ast.walk(member))
    ]
    for method in methods:
        for count in dict.fromkeys((len(texts), min(1, len(texts)))):
            if fits(method.args, count):
                yield context.replace(node, f"self.{method.name}({', '.join(texts[:count])})")


def _changed_by_hand(node: ast.stmt) -> tuple[str, list[ast.expr]]:
    """The attribute of `self` that a statement changes, and what a method would be told of it."""
    if isinstance(node, ast.Expr):
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            return _own_attribute(call.func.value), call.args if not call.keywords else []
        return "", []
    targets = [node.target] if isinstance(node, ast.AugAssign) else getattr(node, "targets", [])
    if len(targets) != 1:
        return "", []
    [target] = targets
    value = [node.value] if isinstance(node, ast.Assign | ast.AugAssign) else []
    if isinstance(target, ast.Subscript):
        key = [] if isinstance(target.slice, ast.Slice) else [target.slice]
        return _own_attribute(target.value), [*key, *value]
    return _own_attribute(target), value


def _own_attribute(node: ast.AST) -> str:
    """`x` where this is `self.x`."""
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return node.attr if own and node.value.id == "self" else ""  # type: ignore[attr-defined]


@operator("outer-name", ast.FunctionDef, ast.AsyncFunctionDef, prior=1.0)
def outer_name(node: Function, context: Context) -> Iterator[Edit]:
    """A name of the module or the function around is assigned without saying so."""
    first = first_statement(node)
    if first is None:
        return
    stored = {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    declared = {
        name for n in ast.walk(node) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names
    }
    for name in sorted((stored & set(context.module_names)) - declared):
        yield from context.insert_before(first, [f"global {name}"])
    for ancestor in context.module.ancestors(node):
        if isinstance(ancestor, Function):
            bound = {
                n.id
                for n in ast.walk(ancestor)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            for name in sorted((stored & bound) - declared):
                yield from context.insert_before(first, [f"nonlocal {name}"])
            return


@operator("bind-in-lambda", ast.Lambda, prior=0.5)
def bind_in_lambda(node: ast.Lambda, context: Context) -> Iterator[Edit]:
    """A lambda made in a loop looks its variable up too late."""
    spec = node.args
    own = {arg.arg for arg in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]}
    for ancestor in context.module.ancestors(node):
        target = getattr(ancestor, "target", None)
        if isinstance(ancestor, ast.For | ast.comprehension) and isinstance(target, ast.Name):
            used = any(isinstance(n, ast.Name) and n.id == target.id for n in ast.walk(node.body))
            if used and target.id not in own:
                start = context.module.start(node) + len("lambda")
                colon = context.module.text.find(":", start)
                comma = ", " if own else " "
                yield Edit(colon, colon, f"{comma}{target.id}={target.id}", line=context.line(node))
