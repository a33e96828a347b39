"""The parts of a template, each of which renders itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mailmerge import filters
from mailmerge.errors import TemplateError

Scope = dict[str, object]
_MISSING = object()


class Node(Protocol):
    def render(self, scope: Scope) -> str: ...


@dataclass(frozen=True)
class Text:
    """What stands between tags."""

    text: str

    def render(self, scope: Scope) -> str:
        return self.text


@dataclass(frozen=True)
class Lookup:
    """A dotted name and the filters behind it."""

    path: tuple[str, ...]
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    line: int = 1

    def value(self, scope: Scope) -> object:
        found: object = scope
        for name in self.path:
            if isinstance(found, Mapping):
                found = found.get(name, _MISSING)
            else:
                found = getattr(found, name, _MISSING)
            if found is _MISSING:
                if any(one == "default" for one, _ in self.filters):
                    found = None
                    break
                raise TemplateError(f"{'.'.join(self.path)} is not defined", self.line)
        for name, arguments in self.filters:
            found = filters.apply(name, found, list(arguments))
        return found

    def render(self, scope: Scope) -> str:
        return str(self.value(scope))


@dataclass
class Block:
    """Parts, one after another."""

    children: list[Node] = field(default_factory=list)

    def render(self, scope: Scope) -> str:
        return "".join(child.render(scope) for child in self.children)


@dataclass
class Loop:
    """The body once for each item; `empty` when there is none."""

    name: str
    items: Lookup
    body: Block
    empty: Block

    def render(self, scope: Scope) -> str:
        items = self.items.value(scope)
        if not isinstance(items, list | tuple):
            raise TemplateError(f"{'.'.join(self.items.path)} is not a list", self.items.line)
        if not items:
            return self.empty.render(scope)
        pieces = []
        for number, item in enumerate(items, start=1):
            scope[self.name] = item
            scope["loop"] = {"number": number, "last": number == len(items)}
            pieces.append(self.body.render(scope))
        return "".join(pieces)


@dataclass
class Condition:
    """The body when a value holds something, else the other block."""

    test: Lookup
    negated: bool
    body: Block
    otherwise: Block

    def render(self, scope: Scope) -> str:
        holds = bool(self.test.value(scope)) != self.negated
        return (self.body if holds else self.otherwise).render(scope)
