"""Finds comments: what a model says about its edit is no part of the mend."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

from agent.repair.python.parsed import LINE_END, SURROGATES


def uncommented(source: str, start: int, end: int, text: str) -> str:
    """`text`, which is to replace characters `start` to `end`, without comments that `source`
    does not have: those that end a line, and lines that are nothing else.

    As it is where the edited source cannot be read.
    """
    if "#" not in text:
        return text
    edited = source[:start] + text + source[end:]
    known = {source[first:last] for first, last in _comments(source)}
    stop = start + len(text)
    added = [
        (first, last)
        for first, last in _comments(edited)
        if start <= first and last <= stop and edited[first:last] not in known
    ]
    for first, last in reversed(added):
        begin, end = _cut(edited, start, stop, first, last)
        edited = edited[:begin] + edited[end:]
        stop -= end - begin
    return edited[start:stop]


def _cut(text: str, start: int, stop: int, first: int, last: int) -> tuple[int, int]:
    """What goes with a comment, within `start` to `stop`: the blanks in front of it, and its line
    where nothing else stands there."""
    begin = len(text[:first].rstrip(" \t"))
    if begin and text[begin - 1] not in "\r\n":
        return max(begin, start), last
    # Blanks in front of the edit stay, and stand in front of the next line instead of its own.
    kept = text[begin:start]
    following = LINE_END.match(text, last)
    if following and text.startswith(kept, following.end()):
        end = following.end() + len(kept)
        if end <= stop:
            return begin + len(kept), end
    before = begin - (2 if text[begin - 2 : begin] == "\r\n" else 1)
    return (before if before >= start else max(begin, start)), last


def _comments(source: str) -> Iterator[tuple[int, int]]:
    """Offsets of each comment, as far as the source can be read."""
    starts = [0, *(match.end() for match in LINE_END.finditer(source))]
    lines = io.StringIO(SURROGATES.sub("\u00ff", source), newline="")
    try:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.COMMENT:
                first = starts[token.start[0] - 1] + token.start[1]
                yield first, first + len(token.string)
    except (tokenize.TokenError, SyntaxError):
        return
