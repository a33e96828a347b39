"""Turns plain values into the types of a dataclass."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


class SettingsError(ValueError):
    """A setting is missing, unknown or of the wrong kind."""


def build(kind: type[T], values: Mapping[str, Any], path: str = "") -> T:
    """An instance of a dataclass; raises SettingsError that names the setting at fault."""
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise SettingsError(f"unknown setting {path}{unknown[0]}")
    hints = get_type_hints(kind)
    arguments = {}
    for name, field in fields.items():
        if name in values:
            arguments[name] = convert(hints[name], values[name], path + name)
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise SettingsError(f"missing setting {path}{name}")
    return kind(**arguments)


def convert(wanted: Any, value: Any, path: str) -> Any:
    """One value as the type that is wanted."""
    if get_origin(wanted) in (Union, types.UnionType):
        if value is None:
            return None
        (wanted,) = [one for one in get_args(wanted) if one is not type(None)]
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, Mapping):
            raise SettingsError(f"{path} must be a table")
        return build(wanted, value, f"{path}.")
    if get_origin(wanted) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        inner = get_args(wanted)[0]
        return tuple(convert(inner, _stripped(item), path) for item in items)
    try:
        return _scalar(wanted, value)
    except ValueError:
        raise SettingsError(f"{path}: {value!r} is not {_described(wanted)}") from None


def _scalar(wanted: Any, value: Any) -> Any:
    if wanted is bool:
        return _truth(value)
    if issubclass(wanted, Enum):
        return wanted(str(value).lower())
    if wanted is Path:
        return Path(value).expanduser()
    return wanted(value)


def _truth(value: object) -> bool:
    """Whether a value means yes; raises ValueError for what means neither yes nor no."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueError(text)


def _stripped(item: Any) -> Any:
    return item.strip() if isinstance(item, str) else item


def _described(wanted: Any) -> str:
    if issubclass(wanted, Enum):
        return "one of " + ", ".join(one.value for one in wanted)
    names = {int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(wanted, wanted.__name__)
