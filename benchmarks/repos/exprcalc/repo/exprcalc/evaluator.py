"""Gives the value of a formula."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from exprcalc.errors import FormulaError
from exprcalc.parser import parse
from exprcalc.tree import Binary, Call, Expression, Literal, Name, Unary

Value = float | str | bool

OPERATORS: dict[str, Callable[..., Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

FUNCTIONS: dict[str, Callable[..., Value]] = {
    "sum": lambda *values: sum(values),
    "average": lambda *values: sum(values) / len(values),
    "min": min,
    "max": max,
    "round": lambda value, digits=0: round(value, int(digits)),
    "len": lambda text: float(len(text)),
}


def text(value: Value) -> str:
    """As a cell shows it: whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def evaluate(source: str, cells: Mapping[str, Value] | None = None) -> Value:
    """The value of a formula; `cells` gives the values of names."""
    try:
        return _value(parse(source), cells or {})
    except ZeroDivisionError:
        raise FormulaError("division by zero") from None
    except TypeError as error:
        raise FormulaError(f"wrong kind of value: {error}") from None


def _value(tree: Expression, cells: Mapping[str, Value]) -> Value:
    match tree:
        case Literal(value):
            return value
        case Name(name):
            if name not in cells:
                raise FormulaError(f"no cell {name}")
            return cells[name]
        case Unary(sign, operand):
            value = _value(operand, cells)
            return -value if sign == "-" else value
        case Binary("&", left, right):
            return text(_value(left, cells)) + text(_value(right, cells))
        case Binary(symbol, left, right):
            return OPERATORS[symbol](_value(left, cells), _value(right, cells))
        case Call("if", (test, then, other)):
            return _value(then if _value(test, cells) else other, cells)
        case Call(function, arguments) if function in FUNCTIONS:
            return FUNCTIONS[function](*(_value(one, cells) for one in arguments))
        case Call(function, _):
            raise FormulaError(f"no function {function}")
