"""The functions, class bodies and module levels that evidence is gathered on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.repair.edit import SourceReader
from agent.repair.seams import Language, Span, Suspect
from agent.repair.vendored import is_vendored

MODULE = "<module>"
LINE_END = re.compile(r"\r\n|\r|\n")
MAX_SOURCE = 1_000_000
"""Characters; larger files are generated more often than written."""


@dataclass
class Place:
    """A function, class body or module level while evidence is gathered."""

    path: str
    span: Span
    lines: dict[int, float] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    score: float = 0.0
    failing: int = 0
    passing: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def is_function(self) -> bool:
        return not self.span.is_class and self.span.name != MODULE

    def suspect(self, expected: tuple[str, ...] = ()) -> Suspect:
        scale = max(1.0, max(self.lines.values(), default=0.0))
        return Suspect(
            path=self.path,
            name=self.span.name,
            first_line=self.span.first_line,
            last_line=self.span.last_line,
            score=round(min(1.0, self.score), 4),
            lines={line: round(value / scale, 4) for line, value in sorted(self.lines.items())},
            errors=self.errors,
            expected=expected,
            reasons=tuple(self.reasons),
        )


class Places:
    """Reads source files when evidence first points at them."""

    def __init__(self, root: Path, languages: Sequence[Language], reader: SourceReader) -> None:
        self._root = root
        self._languages = languages
        self._reader = reader
        self._sources: dict[str, str | None] = {}
        self._rows: dict[str, list[str]] = {}
        self._places: dict[str, list[Place]] = {}
        self._innermost: dict[str, dict[int, Place]] = {}

    def __iter__(self) -> Iterator[Place]:
        return (place for places in self._places.values() for place in places)

    def by_file(self) -> list[tuple[str, list[Place]]]:
        return list(self._places.items())

    def source(self, path: str) -> str | None:
        """Text of a file that may hold the fault; None for tests, vendored and foreign files."""
        if path not in self._sources:
            self._sources[path] = self._read(path) if self.may_hold_fault(path) else None
        return self._sources[path]

    def rows(self, path: str) -> list[str]:
        """Lines of a file that may hold the fault, without their ends; none of other files."""
        if path not in self._rows:
            self._rows[path] = LINE_END.split(self.source(path) or "")
        return self._rows[path]

    def _read(self, path: str) -> str | None:
        try:
            text = self._reader(self._root, path)
        except OSError:
            return None
        return text if len(text) <= MAX_SOURCE else None

    def may_hold_fault(self, path: str) -> bool:
        language = self.language(path)
        return language is not None and not language.is_test(path) and not is_vendored(path)

    def language(self, path: str) -> Language | None:
        return next((lang for lang in self._languages if lang.owns(path)), None)

    def at(self, path: str) -> list[Place]:
        """Places of a file: the module level, then classes and functions, outermost first."""
        if path not in self._places:
            text, language = self.source(path), self.language(path)
            if text is None or language is None:
                return []
            whole = Span(MODULE, 0, len(text), 1, len(self.rows(path)))
            spans = suspectable(language.spans(text))
            self._places[path] = [Place(path, span) for span in (whole, *spans)]
        return self._places[path]

    def holding(self, path: str, line: int) -> Place | None:
        """The innermost place around a line."""
        if path not in self._innermost:
            # Asked for each covered line; files with a thousand functions are not rare.
            self._innermost[path] = {
                number: place
                for place in self.at(path)
                for number in range(place.span.first_line, place.span.last_line + 1)
            }
        return self._innermost[path].get(line)


def suspectable(spans: Sequence[Span]) -> list[Span]:
    """Spans without functions inside functions: those belong to the function around them."""
    kept: list[Span] = []
    function: Span | None = None
    for span in spans:
        if function is None or not within(span, function):
            kept.append(span)
            function = function if span.is_class else span
    return kept


def within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end and inner != outer
