"""Whole-function samples: for what one line does not mend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent
from typing import Any, Protocol

from agent.repair.edit import Edit, SourceReader, read_source
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.seams import Budget, Candidate, Evidence, Language, Suspect
from runtime.client import Answer

SPREAD: tuple[tuple[int, float], ...] = ((1, 0.0), (7, 0.6), (8, 1.0))
"""Samples and their temperature, one request each; greedy first."""
MAX_SUSPECTS = 2
CHARACTERS_A_TOKEN = 3
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
    """Asks for the corrected function and puts each answer in its place."""

    name = "rewrite"

    def __init__(
        self,
        sampler: Sampler,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
        spread: Sequence[tuple[int, float]] = SPREAD,
        max_suspects: int = MAX_SUSPECTS,
    ) -> None:
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
            seen = {language.fingerprint(shown.source[shown.start : shown.end])}
            for turn, (count, temperature) in enumerate(self._spread):
                if budget.spent:
                    return
                answer = self._sampler.chat(
                    self._prompt.messages(evidence, shown),
                    n=count,
                    max_tokens=64 + len(shown.text) * 3 // (2 * CHARACTERS_A_TOKEN),
                    temperature=temperature,
                    seed=evidence.seed + 100 * rank + turn,
                )
                label = f"sample at t={temperature:g}"
                for text in answer.texts:
                    yield from self._candidate(text, shown, suspect, language, seen, label)

    def _candidate(
        self,
        answer: str,
        shown: Shown,
        suspect: Suspect,
        language: Language,
        seen: set[str],
        label: str,
    ) -> Iterator[Candidate]:
        """The answer laid over the shown lines, if it is new and the file still parses."""
        code = replacement(answer, shown, suspect.name, language)
        if code is None:
            return
        shape = language.fingerprint(code)
        edit = narrowed(shown, code)
        if shape in seen or edit is None or not language.parses(edit.apply(shown.source)):
            return
        seen.add(shape)
        yield Candidate(strategy=self.name, operator=label, splices=(edit.splice(shown.path),))


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
    return indented(code, _indent(shown.body)) if code.strip() else None


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
