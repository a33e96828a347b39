"""A parametrized test with no other parameters than those of one of its cases."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from agent.repair.python.parsed import Function, Parsed


def of_case(module: Parsed, function: Function, case: str) -> str:
    """The function's source; each list given to `parametrize` keeps only the row of the case.

    `case` is what the test's id has in brackets. A list whose row is not recognised stays whole.
    Rows are named as pytest names them: https://docs.pytest.org/en/stable/example/parametrize.html
    """
    text, start = module.source(function), module.start(function)
    for rows, row in reversed([*_rows_of(function, case)]):
        first, last = module.start(rows) - start, module.end(rows) - start
        text = f"{text[:first]}[{module.source(row)}]{text[last:]}"
    return text


def _rows_of(function: Function, case: str) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each list of rows, in the order of the source, with the row that the case is made of."""
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
            continue
        rows = decorator.args[1]
        if dotted(decorator.func).endswith("parametrize") and isinstance(
            rows, ast.List | ast.Tuple
        ):
            names = _names(decorator.args[0])
            given = _given(decorator)
            found = [
                (len(name), row)
                for index, row in enumerate(rows.elts)
                for name in [given[index] if index < len(given) else _name(row, names, index)]
                if f"-{name}-" in f"-{case}-"
            ]
            if found and len(rows.elts) > 1:
                yield rows, max(found, key=lambda entry: entry[0])[1]


def _names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [name.strip() for name in str(node.value).split(",") if name.strip()]
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return [str(e.value) for e in elements if isinstance(e, ast.Constant)]


def _given(decorator: ast.Call) -> list[str]:
    """Names that `ids=[…]` gives to the rows."""
    for keyword in decorator.keywords:
        if keyword.arg == "ids" and isinstance(keyword.value, ast.List | ast.Tuple):
            return [str(getattr(element, "value", "")) for element in keyword.value.elts]
    return []


def _name(row: ast.expr, names: Sequence[str], index: int) -> str:
    """What pytest calls a row that nobody named."""
    values: Sequence[ast.expr] = [row]
    if isinstance(row, ast.Call) and dotted(row.func).endswith("param"):
        for keyword in row.keywords:
            if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
        values = row.args
    elif len(names) > 1 and isinstance(row, ast.List | ast.Tuple):
        values = row.elts
    return "-".join(_word(v, name, index) for name, v in zip(names, values, strict=False))


def _word(value: ast.expr, name: str, index: int) -> str:
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return value.id if isinstance(value, ast.Name) else f"{name}{index}"
    if isinstance(literal, str):
        return literal.encode("unicode_escape").decode()
    if isinstance(literal, bytes):
        return literal.decode("ascii", "backslashreplace")
    plain = literal is None or isinstance(literal, bool | int | float | complex)
    return str(literal) if plain else f"{name}{index}"


def dotted(node: ast.expr) -> str:
    """`a.b.c` of names joined by dots; empty for any other expression."""
    words: list[str] = []
    while isinstance(node, ast.Attribute):
        words.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(words)]) if isinstance(node, ast.Name) else ""
