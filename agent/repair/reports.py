"""A bug report written by people: what it points at, as values that can be looked up.

The text is untrusted. Nothing in it is ever followed: it is cut to a length, freed of control
characters, and taken apart into names, places and values; whether they exist is for the caller to
find out among the repository's own files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tools.text import head_and_tail, strip_control

MAX_REPORT = 20_000
"""Characters of a report that are read: its first and last half of that."""
MOST = 200
"""Files, places, names … that are kept of each kind."""

# Every pattern here is bounded or anchored: a report may be made to be slow to match.
FENCED = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ \t]{0,3}\1|\Z)", re.M | re.S)
INLINE = re.compile(r"`([^`\n]{1,200})`")
FRAME = re.compile(r'^[ \t>]{0,40}File "([^"\n]{1,400})", line (\d{1,7})(?:, in ([\w.<>]{1,100}))?')
PLACE = re.compile(r"([\w./\\~+-]{1,300}\.[A-Za-z]\w{0,4})(?::(\d{1,7}))?(?::.*)?")
BETWEEN = re.compile(r"[\s\"'`()\[\]{},;<>|=]+")
DOTTED = re.compile(r"(?<![\w.])[^\W\d]\w{0,80}(?:\.[^\W\d]\w{0,80}){1,8}")
WORD = re.compile(r"[^\W\d]\w{0,80}")
CALLED = re.compile(r"(?<!\w)([^\W\d]\w{0,80})\(")
RAISED = re.compile(
    r"^[ \t>]{0,40}((?:\w{1,60}\.){0,8}[A-Z]\w{0,60}):[ \t]+(\S[^\n]{0,300})$", re.M
)
ERROR = re.compile(r"(?<!\w)[A-Z]\w{0,60}?(?:Error|Exception|Warning|Iteration|Interrupt)(?!\w)")
VALUE = re.compile(
    r"""(?<![\w.])-?\d{1,30}(?:\.\d{1,30})?(?!\w)|"[^"\n]{1,80}"|(?<!\w)'[^'\n]{1,80}'(?!\w)"""
)
CAPITAL = re.compile(r"[A-Z]?[a-z]{1,60}(?=[A-Z])")
PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")

CODE_LIKE, PROSE = 1.0, 0.3
"""How surely a word is the name of something: written as code, or a word like any other."""

STOP = frozenset(
    WORD.findall(
        """
        the and for with that this from not are was were when then than but has have had does did
        will would should could can may its into out all any one two only also just like get got use
        used using return returns returned value values def self none true false class import here
        there what which who how why been being them they you your our his her some such same other
        more most very too now see try expected actual instead because bug issue error problem file
        line traceback recent call last code function method calls called calling string assert
        print let new old after before while each every both about over under again still give gives
        given make makes made say says said gets wrong right work works
        """
    )
)


@dataclass(frozen=True)
class ReportFrame:
    """A place that the report's traceback or text names; the path as written there."""

    path: str
    line: int
    function: str = ""


@dataclass(frozen=True)
class Hints:
    """What a report points at. Names and paths are as written: none was looked up."""

    text: str = ""
    """The report without control characters, cut to its length."""
    files: tuple[str, ...] = ()
    frames: tuple[ReportFrame, ...] = ()
    """In the order of the report: a Python traceback has the innermost last."""
    names: dict[str, float] = field(default_factory=dict)
    """Identifiers, with how surely each is one, 0 to 1."""
    dotted: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    """Words and parts of identifiers in lower case, endings cut, the commonest left out."""
    code: tuple[str, ...] = ()
    """Code blocks."""
    errors: tuple[str, ...] = ()
    """Types of exceptions, without their modules."""
    message: str = ""
    """Text of the exception that the report quotes last."""
    values: frozenset[str] = frozenset()
    """Numbers and quoted texts, without their quotes."""

    def __bool__(self) -> bool:
        return bool(self.names or self.files or self.frames)


def hints(text: str) -> Hints:
    """What a report points at; takes time in proportion to its first 20,000 characters."""
    # Cut before the control characters go, too: ten megabytes of them are not worth the wait.
    text = head_and_tail(strip_control(head_and_tail(text, 10 * MAX_REPORT)), MAX_REPORT)
    code = tuple(match.group(2).strip("\n") for match in FENCED.finditer(text))
    raised = RAISED.findall(text)
    errors = [kind.rpartition(".")[2] for kind, _ in raised if ERROR.search(kind)]
    errors += ERROR.findall(text)
    frames = list(_frames(text))
    files, places = _files(text)
    dotted = tuple(dict.fromkeys(DOTTED.findall(text)))[:MOST]
    return Hints(
        text=text,
        files=_unique([*files, *(frame.path for frame in frames)]),
        frames=tuple(frames + places)[:MOST],
        names=_names(text, code, dotted),
        dotted=dotted,
        terms=terms(text),
        code=code[:MOST],
        errors=_unique(errors),
        message=next((said for kind, said in reversed(raised) if ERROR.search(kind)), ""),
        values=frozenset(list(values(text))[:MOST]),
    )


def terms(text: str) -> tuple[str, ...]:
    """Words and parts of identifiers, in lower case and without the commonest endings."""
    parts = (part.lower() for word in WORD.findall(text) for part in PART.findall(word))
    return tuple(stem(part) for part in parts if len(part) > 2 and part not in STOP)


def stem(word: str) -> str:
    """The word without a usual English ending: `rounded`, `rounding`, `rounds` are one term."""
    for ending in ("ings", "ing", "ies", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            return word.removesuffix(ending)
    return word


def values(text: str) -> Iterable[str]:
    """Numbers and quoted texts of a text, without their quotes."""
    return (match.strip("\"'") for match in VALUE.findall(text))


def _frames(text: str) -> Iterable[ReportFrame]:
    for row in text.splitlines():
        match = FRAME.match(row)
        if match:
            path = match.group(1).replace("\\", "/")
            yield ReportFrame(path, int(match.group(2)), match.group(3) or "")


def _files(text: str) -> tuple[list[str], list[ReportFrame]]:
    """Names that look like those of files, and those that a line number follows."""
    files, places = [], []
    for word in BETWEEN.split(text):
        match = PLACE.fullmatch(word.rstrip(".:!?")) if len(word) < 400 else None
        if match:
            path = match.group(1).replace("\\", "/")
            files.append(path)
            if match.group(2):
                places.append(ReportFrame(path, int(match.group(2))))
    return files, places


def _names(text: str, code: Iterable[str], dotted: Iterable[str]) -> dict[str, float]:
    """Identifiers; those written as code first, so that the limit does not cut them off."""
    surely = [word for block in code for word in WORD.findall(block)]
    surely += [word for span in INLINE.findall(text) for word in WORD.findall(span)]
    surely += CALLED.findall(text)
    surely += [part for name in dotted for part in name.split(".")]
    words = WORD.findall(text)
    surely += [word for word in words if "_" in word.strip("_") or CAPITAL.match(word)]
    named = dict.fromkeys(surely[: 10 * MOST], CODE_LIKE)
    for word in words:
        named.setdefault(word, PROSE)
    kept = {word: sure for word, sure in named.items() if len(word) > 1 and _is_name(word, sure)}
    return dict(list(kept.items())[: 5 * MOST])


def _is_name(word: str, sure: float) -> bool:
    return sure == CODE_LIKE or (len(word) > 2 and word.lower() not in STOP)


def _unique(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:MOST]
