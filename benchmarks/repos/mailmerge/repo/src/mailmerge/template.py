"""Reads a template."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailmerge.errors import TemplateError
from mailmerge.nodes import Block, Condition, Lookup, Loop, Node, Text

TAG = re.compile(r"\{\{(?P<lookup>.*?)\}\}|\{%(?P<tag>.*?)%\}", re.S)
FOR = re.compile(r"for (\w+) in ([\w.]+)")
IF = re.compile(r"if (not )?([\w.]+)")


class Template:
    """A template, parsed once and rendered as often as wanted."""

    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._position = 0
        self.root, end = self._block(())
        assert end == ""

    def render(self, **values: object) -> str:
        return self.root.render(dict(values))

    def _block(self, ends: tuple[str, ...]) -> tuple[Block, str]:
        """The parts up to one of the end tags, and which one it was."""
        block = Block()
        while self._position < len(self._tokens):
            kind, text, line = self._tokens[self._position]
            self._position += 1
            if kind == "tag" and text in ends:
                return block, text
            block.children.append(self._node(kind, text, line))
        if ends:
            raise TemplateError(f"{ends[-1]} is missing")
        return block, ""

    def _node(self, kind: str, text: str, line: int) -> Node:
        if kind == "text":
            return Text(text)
        if kind == "lookup":
            return _lookup(text, line)
        if match := FOR.fullmatch(text):
            body, end = self._block(("else", "endfor"))
            other = self._block(("endfor",))[0] if end == "else" else Block()
            return Loop(match[1], _lookup(match[2], line), body, other)
        if match := IF.fullmatch(text):
            body, end = self._block(("else", "endif"))
            other = self._block(("endif",))[0] if end == "else" else Block()
            return Condition(_lookup(match[2], line), bool(match[1]), body, other)
        raise TemplateError(f"unknown tag {text!r}", line)


def _tokens(source: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and line of each part."""
    position, line = 0, 1
    for match in TAG.finditer(source):
        if match.start() > position:
            yield "text", source[position : match.start()], line
        line += source.count("\n", position, match.start())
        kind = match.lastgroup or ""
        yield kind, " ".join(match[kind].split()), line
        line += match[0].count("\n")
        position = match.end()
    if position < len(source):
        yield "text", source[position:], line


def _lookup(text: str, line: int) -> Lookup:
    """`person.name | truncate:10 | upper`."""
    path, *rest = [part.strip() for part in text.split("|")]
    if not re.fullmatch(r"[\w.]+", path):
        raise TemplateError(f"not a name: {path!r}", line)
    parsed = []
    for one in rest:
        name, _, argument = one.partition(":")
        parsed.append((name.strip(), (argument.strip(),) if argument else ()))
    return Lookup(tuple(path.split(".")), tuple(parsed), line)
