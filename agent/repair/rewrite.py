"""Samples of whole functions, and of windows of long ones: for what one line does not mend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import dedent, indent
from typing import Any, Protocol

from agent.prompts import prompt
from agent.repair.budget import Budget
from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.novelty import Novelty
from agent.repair.prompt import FixPrompt, Shown, fenced
from agent.repair.seams import Candidate, Evidence, Language, Suspect
from runtime.client import Answer

GREEDY: tuple[tuple[int, float], ...] = ((1, 0.0),)
SAMPLED: tuple[tuple[int, float], ...] = ((8, 0.6), (8, 1.0))
"""Samples and their temperature, one request each."""
MAX_SUSPECTS = 2
CHARACTERS_A_TOKEN = 3
LONG = 40
"""Lines; a longer function is rewritten in windows: each sample of 500 tokens takes 8 s."""
WINDOW_LINES = 20
MAX_WINDOWS = 2
FENCED = re.compile(r"(`{3,})[^\n`]*\n(.*?)(?:\n?\1|\Z)", re.DOTALL)


class Sampler(Protocol):
    """A model endpoint that answers chat messages with `n` samples."""

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        n: int = 1,
        max_tokens: int = 512,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Answer: ...


class RewriteProposer:
    """Asks for the corrected function, or lines of a long one, and puts each answer in place."""

    def __init__(
        self,
        sampler: Sampler,
        languages: Sequence[Language],
        *,
        spread: Sequence[tuple[int, float]],
        reader: SourceReader = read_source,
        max_suspects: int = MAX_SUSPECTS,
        name: str = "rewrite",
    ) -> None:
        self.name = name
        self._sampler = sampler
        self._prompt = FixPrompt(languages, reader)
        self._spread = tuple(spread)
        self._max_suspects = max_suspects

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        for rank, suspect in enumerate(evidence.suspects[: self._max_suspects]):
            shown = self._prompt.shown(evidence, suspect)
            language = self._prompt.language(suspect.path)
            if shown is None or language is None:
                continue
            place = _Place(shown, suspect.name, language, Novelty(shown, language))
            parts = windows(shown, suspect, evidence) or [shown]
            seed = evidence.seed + 100 * rank
            # All parts at one temperature before any at the next.
            for turn, (count, temperature) in enumerate(self._spread):
                share = -(-count // len(parts))
                for part in parts:
                    if budget.spent:
                        return
                    answer = self._sampler.chat(
                        self._messages(evidence, shown, part),
                        n=share,
                        max_tokens=64 + len(part.text) * 3 // (2 * CHARACTERS_A_TOKEN),
                        temperature=temperature,
                        seed=seed + turn,
                    )
                    label = f"sample at t={temperature:g}{_told(part)}"
                    for text in answer.texts:
                        yield from self._candidate(text, part, place, label)

    def _messages(self, evidence: Evidence, shown: Shown, part: Shown) -> list[dict[str, str]]:
        """The usual question; for a part of the code with one more sentence at its end.

        All that stands before it stays the same, so that the endpoint need not read it again.
        """
        messages = self._prompt.messages(evidence, shown)
        if part is not shown:
            question = prompt("window") + "\n" + fenced(part.body)
            messages[-1]["content"] += f"\n{question}"
        return messages

    def _candidate(
        self, answer: str, part: Shown, place: _Place, label: str
    ) -> Iterator[Candidate]:
        """The answer laid over the lines that were asked for, if it is new and parses."""
        if part.start > place.shown.start and place.defined_in(code_of(answer)):
            part = place.shown  # asked for a few lines, it wrote the function
        code = replacement(answer, part, place.name, place.language)
        edit = narrowed(part, code) if code is not None else None
        new = place.novelty.new(edit) if edit is not None else None
        if new is not None:
            splice = new.splice(part.path)
            yield Candidate(strategy=self.name, operator=label, splices=(splice,))


@dataclass(frozen=True)
class _Place:
    """The code that answers are laid over, and what was laid over it so far."""

    shown: Shown
    name: str
    language: Language
    novelty: Novelty

    def defined_in(self, code: str) -> bool:
        last = self.name.rpartition(".")[2]
        spans = self.language.spans(dedent(code))
        return any(span.name.rpartition(".")[2] == last for span in spans)


def windows(shown: Shown, suspect: Suspect, evidence: Evidence) -> list[Shown]:
    """Stretches of a long function around its worst lines; empty for one that is short enough.

    Lines of a traceback count first, then those that the failing tests run; of equal stretches
    the one with its worst lines in the middle is taken.
    """
    rows = shown.body.split("\n")
    if len(rows) <= LONG:
        return []
    first = shown.source.count("\n", 0, shown.start) + 1
    failed = {f.line for t in evidence.failing for f in t.frames if f.path == suspect.path}
    scores = [
        suspect.lines.get(number, 0.0) + (number in failed) * len(rows)
        for number in range(first, first + len(rows))
    ]
    found: list[range] = []
    for _ in range(MAX_WINDOWS):
        spans = [range(at, at + WINDOW_LINES) for at in range(len(rows) - WINDOW_LINES + 1)]
        free = [s for s in spans if not any(s.start < o.stop and o.start < s.stop for o in found)]
        best = max(free, key=lambda span: _worth(scores, span), default=None)
        if best is None or (found and not sum(scores[i] for i in best)):
            break
        found.append(best)
    return [_part(shown, rows, span) for span in found]


def _worth(scores: Sequence[float], span: range) -> tuple[float, float]:
    """All scores inside, and how close to its middle they lie."""
    total = sum(scores[i] for i in span)
    gravity = sum(i * scores[i] for i in span) / total if total else span.start
    return total, -abs(gravity - (span.start + span.stop - 1) / 2)


def _part(shown: Shown, rows: Sequence[str], span: range) -> Shown:
    """The lines `span` of the shown ones."""
    begin = len(shown.header) + sum(len(row) + 1 for row in rows[: span.start])
    size = sum(len(rows[i]) + 1 for i in span) - 1
    start, end = shown.offset(begin), shown.offset(begin + size)
    assert start is not None, "the lines stand behind the header"
    assert end is not None, "the lines stand behind the header"
    return replace(shown, start=start, end=end, header="", whole=False)


def _told(shown: Shown) -> str:
    """Which lines were rewritten, where it was not the whole function."""
    if shown.whole:
        return ""
    first = shown.source.count("\n", 0, shown.start) + 1
    return f", lines {first}-{first + shown.body.count(chr(10))} only"


def code_of(answer: str) -> str:
    """The longest fenced block of an answer, one left open included; else the answer itself."""
    blocks = [match.group(2) for match in FENCED.finditer(answer)]
    return max(blocks, key=len, default=answer).strip("\n")


def replacement(answer: str, shown: Shown, name: str, language: Language) -> str | None:
    """The code for the shown lines, indented as they are; None when the answer has none.

    Imports and other definitions around the function are left out.
    """
    code = dedent(code_of(answer))
    last = name.rpartition(".")[2]
    if shown.whole and not last.startswith("<"):
        spans = [s for s in language.spans(code) if s.name.rpartition(".")[2] == last]
        if not spans:
            return None
        begin = code.rfind("\n", 0, spans[0].start) + 1
        code = code[begin : spans[0].end]
        code = _kept_decorators(shown.body, code)
    elif shown.header:
        code = code.removeprefix(dedent(shown.header))
    elif not shown.whole:
        return _as_deep(code_of(answer), shown.body) if code.strip() else None
    return indented(code, _indent(shown.body)) if code.strip() else None


def _as_deep(code: str, old: str) -> str:
    """Lines of a window, whose first one need not be its outermost, where the old ones stand."""
    if _indent(code) == _indent(old):
        return code
    margin = min((_indent(row) for row in old.splitlines() if row.strip()), key=len, default="")
    return indent(dedent(code), margin)


def _kept_decorators(old: str, new: str) -> str:
    """Decorator lines that the answer forgot, put back."""
    lines = []
    for line in old.splitlines():
        if not line.strip().startswith("@"):
            break
        lines.append(line.strip())
    if not lines or new.lstrip().startswith("@"):
        return new
    return "".join(f"{_indent(new)}{line}\n" for line in lines) + new


def _indent(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def indented(text: str, wanted: str) -> str:
    """Lines moved so that the first one has the wanted indentation."""
    have = _indent(text)
    if have == wanted:
        return text
    rows = []
    for line in text.splitlines():
        body = line.removeprefix(have) if have else line
        rows.append(wanted + body if line.strip() else "")
    return "\n".join(rows)


def narrowed(shown: Shown, code: str) -> Edit | None:
    """The smallest edit of whole lines that turns the shown lines into `code`; None if equal."""
    old, new = shown.body.split("\n"), code.split("\n")
    head = 0
    while head < min(len(old), len(new)) and old[head].rstrip() == new[head].rstrip():
        head += 1
    tail = 0
    while (
        tail < min(len(old), len(new)) - head and old[-1 - tail].rstrip() == new[-1 - tail].rstrip()
    ):
        tail += 1
    if head == len(old) == len(new):
        return None
    newline = "\r\n" if "\r\n" in shown.source else "\n"
    middle = new[head : len(new) - tail]
    begin = len(shown.header) + sum(len(line) + 1 for line in old[:head])
    finish = begin + sum(len(line) + 1 for line in old[head : len(old) - tail])
    text = "".join(line + newline for line in middle)
    if not tail:
        return _at_end(shown, begin, finish, text, newline)
    return _edit(shown, begin, finish, text)


def _at_end(shown: Shown, begin: int, finish: int, text: str, newline: str) -> Edit | None:
    """The last shown line keeps its own line end, or lack of one."""
    size = len(shown.text)
    if begin > size:
        return _edit(shown, size, size, newline + text.removesuffix(newline))
    return _edit(shown, begin, min(finish, size), text.removesuffix(newline))


def _edit(shown: Shown, begin: int, finish: int, text: str) -> Edit | None:
    start, end = shown.offset(begin), shown.offset(finish)
    if start is None or end is None:
        return None
    return Edit(start, end, text)
