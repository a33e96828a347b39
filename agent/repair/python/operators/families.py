"""Families of functions, methods and exception types that are taken for one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.names import called
from agent.repair.python.operators.registry import operator

FUNCTIONS: tuple[tuple[str, ...], ...] = (
    ("min", "max", "sum", "len"),
    ("any", "all"),
    ("sorted", "list", "reversed", "set", "tuple"),
    ("int", "float", "round", "abs", "str", "bool"),
    ("ord", "chr"),
    ("bin", "hex", "oct", "str"),
    ("str", "repr", "ascii"),
    ("zip", "zip_longest", "product", "enumerate"),
    ("isinstance", "issubclass"),
    ("getattr", "hasattr"),
    ("filter", "map"),
    ("dict", "OrderedDict", "defaultdict", "Counter"),
)

METHODS: tuple[tuple[str, ...], ...] = (
    ("split", "rsplit", "splitlines", "partition", "rpartition"),
    ("find", "index", "rfind", "rindex", "count"),
    ("strip", "lstrip", "rstrip", "removeprefix", "removesuffix"),
    ("append", "extend", "add", "appendleft", "insert"),
    ("update", "setdefault", "add", "union", "intersection", "difference", "symmetric_difference"),
    ("intersection_update", "difference_update", "update"),
    ("lower", "upper", "title", "capitalize", "swapcase", "casefold"),
    ("isdigit", "isalpha", "isalnum", "isnumeric", "isdecimal", "isspace"),
    ("isupper", "islower", "isalpha", "istitle"),
    ("startswith", "endswith"),
    ("keys", "values", "items"),
    ("get", "pop", "setdefault"),
    ("pop", "popleft", "remove", "discard", "popitem"),
    ("ljust", "rjust", "center", "zfill"),
    ("match", "search", "fullmatch", "findall", "finditer"),
    ("floor", "ceil", "trunc", "round"),
    ("sqrt", "pow", "exp", "log", "log2", "log10"),
    ("sin", "cos", "tan"),
    ("radians", "degrees"),
    ("read", "readline", "readlines"),
    ("write", "writelines"),
    ("dumps", "dump"),
    ("loads", "load"),
    ("encode", "decode"),
    ("exists", "is_file", "is_dir"),
    ("join", "joinpath"),
    ("mean", "median", "mode", "stdev", "pstdev"),
    ("days", "seconds", "total_seconds"),
    ("year", "month", "day"),
    ("hour", "minute", "second", "microsecond"),
    ("weekday", "isoweekday"),
    ("date", "datetime", "time"),
    ("now", "utcnow", "today"),
    ("heappush", "heappop", "heapify", "heappushpop", "heapreplace", "nlargest", "nsmallest"),
    ("acquire", "release"),
    ("union", "intersection"),
    ("name", "stem", "suffix", "parent"),
    ("permutations", "combinations", "combinations_with_replacement"),
    ("bisect_left", "bisect_right", "bisect", "insort"),
    ("start", "end", "span", "group", "groups"),
    ("first", "last"),
    ("left", "right"),
    ("warn", "warning"),
    ("debug", "info", "warning", "error", "exception"),
    ("prev", "next", "previous"),
    ("width", "height"),
    ("row", "column", "col"),
    ("x", "y", "z"),
)

EXCEPTIONS: tuple[tuple[str, ...], ...] = (
    ("ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "RuntimeError"),
    ("KeyError", "IndexError", "LookupError"),
    ("ZeroDivisionError", "ValueError", "OverflowError", "ArithmeticError"),
    ("FileNotFoundError", "OSError", "PermissionError", "FileExistsError"),
    ("StopIteration", "StopAsyncIteration", "IndexError"),
    ("NotImplementedError", "TypeError", "RuntimeError"),
    ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValueError"),
    ("TimeoutError", "ConnectionError", "OSError"),
    ("Exception", "ValueError", "TypeError", "KeyError", "BaseException"),
)

TYPES: tuple[tuple[str, ...], ...] = (
    ("int", "float", "complex", "bool"),
    ("list", "tuple", "set", "frozenset", "dict"),
    ("str", "bytes", "bytearray"),
)


MAX_DONORS = 6


def family(name: str, families: tuple[tuple[str, ...], ...]) -> list[str]:
    """Relatives of a name, nearest first, without itself."""
    found: dict[str, None] = {}
    for members in families:
        if name in members:
            found.update(dict.fromkeys(members))
    return [member for member in found if member != name]


def _weights(names: list[str]) -> Iterator[tuple[str, float]]:
    for rank, name in enumerate(names):
        yield name, 1.0 / (1 + 0.15 * rank)


@operator("function-family", ast.Name, prior=4.0)
def function_family(node: ast.Name, context: Context) -> Iterator[Edit]:
    if called(node, context) or isinstance(context.parent(node), ast.keyword | ast.Call):
        for name, weight in _weights(family(node.id, FUNCTIONS)):
            yield context.replace(node, name, weight)


@operator("method-family", ast.Attribute, prior=4.5)
def method_family(node: ast.Attribute, context: Context) -> Iterator[Edit]:
    for name, weight in _weights(family(node.attr, METHODS)):
        base = context.module.text[context.module.start(node) : context.module.end(node)]
        yield context.replace(node, base[: len(base) - len(node.attr)] + name, weight)


def _handled(node: ast.ExceptHandler) -> list[ast.Name]:
    if isinstance(node.type, ast.Tuple):
        return [part for part in node.type.elts if isinstance(part, ast.Name)]
    return [node.type] if isinstance(node.type, ast.Name) else []


def _errors(context: Context) -> list[str]:
    """Exceptions that this module defines or imports."""
    return [name for name in context.callables if name.endswith(("Error", "Exception"))]


@operator("caught-exception", ast.ExceptHandler, prior=2.5)
def caught_exception(node: ast.ExceptHandler, context: Context) -> Iterator[Edit]:
    """Another type, a wider or narrower tuple, or all of them."""
    if node.type is None:
        start = context.module.start(node) + len("except")
        yield Edit(start, start, " Exception", line=context.line(node))
    elif isinstance(node.type, ast.Tuple) and node.type.elts:
        known = [context.text(part) for part in node.type.elts]
        last = node.type.elts[-1]
        donors = [other for name in known for other in family(name, EXCEPTIONS)] + _errors(context)
        for name, weight in _weights([d for d in dict.fromkeys(donors) if d not in known]):
            yield context.replace(last, f"{known[-1]}, {name}", weight)
        for name in known:
            yield context.replace(node.type, name, 0.5)
    elif donors := [d for d in _errors(context) if d != context.text(node.type)]:
        for name, weight in _weights(donors[:MAX_DONORS]):
            yield context.replace(node.type, f"({context.text(node.type)}, {name})", weight)
    for part in _handled(node):
        for name, weight in _weights(family(part.id, EXCEPTIONS)):
            yield context.replace(part, name, weight)
            if part is node.type:
                yield context.replace(part, f"({part.id}, {name})", weight)
        if part is node.type and part.id != "Exception":
            yield context.replace(part, "Exception", 0.8)


@operator("raised-exception", ast.Raise, prior=2.0)
def raised_exception(node: ast.Raise, context: Context) -> Iterator[Edit]:
    name = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    if isinstance(name, ast.Name):
        donors = family(name.id, EXCEPTIONS)
        donors += _errors(context)
        for other, weight in _weights([d for d in donors if d != name.id]):
            yield context.replace(name, other, weight)


@operator("checked-type", ast.Call, prior=1.5)
def checked_type(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`isinstance(x, int)` for `isinstance(x, (int, float))`, and narrower."""
    if getattr(node.func, "id", "") not in ("isinstance", "issubclass") or len(node.args) != 2:
        return
    kind = node.args[1]
    if isinstance(kind, ast.Name):
        classes = [name for name in context.callables if name[:1].isupper() and name != kind.id]
        donors = [*family(kind.id, TYPES), "type(None)", *classes[:MAX_DONORS]]
        for name, weight in _weights(donors):
            yield context.replace(kind, f"({kind.id}, {name})", weight)
            yield context.replace(kind, name, weight)
    elif isinstance(kind, ast.Tuple):
        parts = [context.text(part) for part in kind.elts]
        for part in parts:
            yield context.replace(kind, part)
        donors = [*(d for part in parts for d in family(part, TYPES)), "type(None)"]
        for name, weight in _weights([d for d in dict.fromkeys(donors) if d not in parts]):
            yield context.replace(kind, f"({', '.join([*parts, name])})", weight)
