"""Edits for a file that does not parse: brackets, colons, quotes and indentation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.parsed import LINE_END, parse
from agent.repair.seams import Suspect

HEADERS = re.compile(
    r"^\s*(async\s+)?(if|elif|else|for|while|def|class|try|except|finally|with|match|case)\b"
)
REACH = 3
"""Lines above the reported one where the fault may lie."""


def error_line(source: str) -> int:
    """1-based line where the parser gave up; 0 when the source parses or has no such line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<source>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return error.lineno or 1
        except (ValueError, RecursionError, MemoryError):
            return 0
    return 0


def syntax_edits(source: str, suspect: Suspect) -> Iterator[Edit]:
    """Edits after which the whole file parses, those nearest to the error first."""
    line = error_line(source) or suspect.first_line
    seen: set[str] = set()
    for number in range(line, max(0, line - REACH - 1), -1):
        for edit in _line_edits(source, number, 1.0 / (1 + line - number)):
            text = edit.apply(source)
            if text not in seen and parse(text) is not None:
                seen.add(text)
                yield edit


def _line_edits(source: str, number: int, weight: float) -> Iterator[Edit]:
    starts = [0, *(match.end() for match in LINE_END.finditer(source))]
    if not 0 < number <= len(starts):
        return
    start = starts[number - 1]
    end = starts[number] if number < len(starts) else len(source)
    body = source[start:end].rstrip("\r\n")
    stop = start + len(body.rstrip())

    def edit(begin: int, finish: int, text: str, share: float = 1.0) -> Edit:
        return Edit(begin, finish, text, "syntax", weight * share, number)

    if HEADERS.match(body) and not body.rstrip().endswith(":"):
        yield edit(stop, stop, ":", 3.0)
    for closing in (")", "]", "}", "):", "])", "))", '"', "'", '")', "')", ","):
        yield edit(stop, stop, closing)
    for match in re.finditer(r"[()\[\]{}:,\"']", body):
        yield edit(start + match.start(), start + match.end(), "", 0.8)
    for match in re.finditer(r"(?<![=!<>:+\-*/%&|^])=(?!=)", body):
        yield edit(start + match.start(), start + match.end(), "==", 0.8)
    for match in re.finditer(r"[)\]}]", body):
        for other in ")]}":
            yield edit(start + match.start(), start + match.end(), other, 0.6)
    indent = len(body) - len(body.lstrip())
    for width in ("    ", "  ", "\t", " "):
        yield edit(start, start, width, 0.7)
        if body.startswith(width):
            yield edit(start, start + len(width), "", 0.7)
    yield edit(start + indent, start + indent, "pass" if not body.strip() else "", 0.2)
    yield edit(start, end, "", 0.2)
