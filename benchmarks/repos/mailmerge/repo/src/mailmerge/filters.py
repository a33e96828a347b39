"""Filters that a template may apply to a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailmerge.errors import TemplateError

Filter = Callable[..., object]


def escape(value: object) -> str:
    """Text that is safe inside HTML."""
    text = str(value)
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("&", "&amp;")


def truncate(value: object, length: str = "20") -> str:
    """Text of at most so many characters; an ellipsis shows that some are missing."""
    text, limit = str(value), int(length)
    if len(text) < limit:
        return text
    return text[: limit - 1].rstrip() + "…"


def join(value: Iterable[object], separator: str = ", ") -> str:
    return separator.join(str(one) for one in value)


def default(value: object, fallback: str = "") -> object:
    return fallback if value is None or value == "" else value


def money(value: object, symbol: str = "€") -> str:
    amount = float(str(value))
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.2f}"


FILTERS: dict[str, Filter] = {
    "escape": escape,
    "truncate": truncate,
    "join": join,
    "default": default,
    "money": money,
    "upper": lambda value: str(value).upper(),
    "title": lambda value: str(value).title(),
}


def apply(name: str, value: object, arguments: list[str]) -> object:
    """The value behind a filter."""
    try:
        chosen = FILTERS[name]
    except KeyError:
        raise TemplateError(f"no filter {name!r}") from None
    return chosen(value, *arguments)
