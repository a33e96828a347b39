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
    added = [
        (_begin(edited, first), last)
        for first, last in _comments(edited)
        if start <= first and last <= start + len(text) and edited[first:last] not in known
    ]
    pieces, at = [], start
    for first, last in added:
        if first < start:
            continue  # all that stands before it in its line is none of the edit
        alone = LINE_END.match(edited, last) if edited[:first][-1:] in ("", "\n", "\r") else None
        pieces.append(edited[at:first])
        at = alone.end() if alone and alone.end() <= start + len(text) else last
    return "".join(pieces) + edited[at : start + len(text)]


def _begin(text: str, comment: int) -> int:
    """Where the blanks before a comment begin."""
    return len(text[:comment].rstrip(" \t"))


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
