"""The question that asks the model for a fix: short, what never changes first, evidence last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from agent.prompts import prompt
from agent.repair.context import Section, TestContext
from agent.repair.edit import SourceReader, read_source
from agent.repair.seams import Evidence, Language, Suspect

MAX_CODE = 6_000
"""Characters of code that are shown; about 1,700 tokens."""
MAX_LOOSE = 2_400
"""The same for a class or a file, of which single lines outside functions are suspected."""
WINDOW = 40
"""Lines shown above and below the most suspicious one when the function is too long."""


@dataclass(frozen=True)
class Shown:
    """The lines of a file that the model is shown, and the way back from them to the file."""

    path: str
    source: str
    start: int
    end: int
    """Character offsets of whole lines; the last line's own end is left out."""
    header: str
    """Lines put above them for the model alone, such as `class Account:`."""
    whole: bool
    """Whether the function is shown whole, not a window of it."""

    @property
    def text(self) -> str:
        """What the model sees, line ends as newlines."""
        return self.header + self.body

    @property
    def body(self) -> str:
        return re.sub(r"\r\n|\r", "\n", self.source[self.start : self.end])

    def offset(self, shown: int) -> int | None:
        """File offset of a character of `text`; None inside the header."""
        inside = shown - len(self.header)
        if inside < 0:
            return None
        position = self.start
        for _ in range(inside):
            position += 2 if self.source.startswith("\r\n", position) else 1
        return position


def show(source: str, suspect: Suspect, language: Language, window: int = 0) -> Shown | None:
    """The suspect's lines, or a window around its worst line when they are too many.

    Windows 1, 2 … are around the worst line that none before them shows; None when there is no
    such line. What lies outside functions is always shown by windows: only single lines of it
    are suspected, and the functions between them are suspects of their own.
    """
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", source))]
    first, last = suspect.first_line, min(suspect.last_line, len(starts))
    limit = MAX_CODE if _is_function(source, suspect, language) else MAX_LOOSE
    whole = _size(source, starts, first, last) <= limit
    if whole:
        if window:
            return None
    else:
        found = list(islice(_windows(source, starts, suspect, limit), window, window + 1))
        if not found:
            return None
        first, last = found[0]
    start = starts[first - 1]
    end = start + len(source[start : _line_end(source, starts, last)].rstrip("\r\n"))
    return Shown(suspect.path, source, start, end, _header(source, start, end, language), whole)


def _windows(
    source: str, starts: Sequence[int], suspect: Suspect, limit: int
) -> Iterator[tuple[int, int]]:
    """First and last lines around the worst line, then around the worst one not yet shown."""
    top, bottom = suspect.first_line, min(suspect.last_line, len(starts))
    ranked = sorted(suspect.lines, key=lambda n: (-suspect.lines[n], n))
    shown: set[int] = set()
    for centre in ranked or [top]:
        if centre in shown or not top <= centre <= bottom:
            continue
        first, last = max(top, centre - WINDOW), min(bottom, centre + WINDOW)
        while _size(source, starts, first, last) > limit and last > first:
            first, last = min(first + 1, centre), max(last - 1, centre)
        shown.update(range(first, last + 1))
        yield first, last


def _is_function(source: str, suspect: Suspect, language: Language) -> bool:
    return any(
        span.name == suspect.name and span.first_line == suspect.first_line and not span.is_class
        for span in language.spans(source)
    )


def _line_end(source: str, starts: Sequence[int], line: int) -> int:
    return starts[line] if line < len(starts) else len(source)


def _size(source: str, starts: Sequence[int], first: int, last: int) -> int:
    return _line_end(source, starts, last) - starts[first - 1]


def _header(source: str, start: int, end: int, language: Language) -> str:
    """First lines of the classes around, so that indented code stands where it belongs."""
    lines = []
    for span in language.spans(source):
        if span.is_class and span.start < start and end <= span.end:
            line = source.rfind("\n", 0, span.start) + 1
            text = source[line : span.end]
            lines += [row for row in text.splitlines() if row.strip()[:1] != "@"][:1]
    return "".join(f"{line}\n" for line in lines)


class FixPrompt:
    """Builds the chat messages for one suspect."""

    def __init__(self, languages: Sequence[Language], reader: SourceReader = read_source) -> None:
        self._languages = tuple(languages)
        self._reader = reader

    def shown(self, evidence: Evidence, suspect: Suspect, window: int = 0) -> Shown | None:
        """None when the file is no source of a known language, cannot be read, or has no such
        window; see `show`."""
        language = self.language(suspect.path)
        if language is None:
            return None
        try:
            source = self._reader(evidence.root, suspect.path)
        except OSError:
            return None
        return show(source, suspect, language, window)

    def language(self, path: str) -> Language | None:
        """The language whose source file this is; None for tests."""
        for language in self._languages:
            if language.owns(path) and not language.is_test(path):
                return language
        return None

    def messages(self, evidence: Evidence, shown: Shown) -> list[dict[str, str]]:
        return question(self.sections(evidence, shown))

    def sections(self, evidence: Evidence, shown: Shown) -> list[Section]:
        """What the model is told, in that order.

        The code comes first: behind the tests, where several suspects could share what is cached
        of them, the right fix was less likely (by 0.7 nats on 10 bugs).
        """
        code = Section("code", f"Code of {shown.path}:", shown.text, self._tag(shown.path))
        return [code, *TestContext(self._languages, self._reader).sections(evidence)]

    def opening(self, shown: Shown) -> str:
        """How an answer begins, before the code."""
        return f"{fence(shown.text)}{self._tag(shown.path)}\n"

    def closing(self, shown: Shown) -> str:
        """How an answer ends, behind the code."""
        return f"\n{fence(shown.text)}"

    def _tag(self, path: str) -> str:
        return next((lang.name for lang in self._languages if lang.owns(path)), "")


def question(sections: Sequence[Section]) -> list[dict[str, str]]:
    """The chat messages that tell the model these sections and ask for the code."""
    parts = [f"{section.title}\n{fenced(section.text, section.tag)}" for section in sections]
    return [
        {"role": "system", "content": prompt("fix")},
        {"role": "user", "content": "\n".join([*parts, "Write the corrected code."])},
    ]


def fence(text: str) -> str:
    """Backticks that no run of backticks in the text can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def fenced(text: str, tag: str = "") -> str:
    marks = fence(text)
    return f"{marks}{tag}\n{text}\n{marks}"
