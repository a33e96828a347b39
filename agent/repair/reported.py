"""Joins what a bug report points at with what the tests say.

Functions that the report's traceback passes or that it names count most; beyond names, the words
of the report are compared with those of each function by Okapi BM25 (Robertson and Zaragoza, The
Probabilistic Relevance Framework, 2009), as information retrieval for bug localisation does
(Zhou, Zhang and Lo, Where Should the Bugs Be Fixed?, ICSE 2012).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path, PurePosixPath

from agent.repair.edit import SourceReader, read_source
from agent.repair.places import MODULE, Place, Places
from agent.repair.reports import WORD, Hints, ReportFrame, terms
from agent.repair.seams import Language, Localizer, Suspect
from agent.repair.vendored import own_files
from tools.report import TestReport

MAX_PARSED = 200
"""Files whose functions are compared with the report: those that share most of its names."""
MAX_SUSPECTS = 40
LAST_FRAME, FRAME, NAMED, IN_FILE, WORDS = 0.5, 0.25, 0.4, 0.1, 0.3
"""What each kind of evidence adds to a score of at most 1."""
OUTER = 0.25
"""Share that methods get when the report names their class."""
SHARE = 0.5
"""Weight of the report beside that of the tests, which is 1."""
SATURATION, LENGTH = 1.2, 0.75
"""The usual k1 and b of BM25."""
NAME_COUNTS = 3
"""A word of a function's own name counts as often as this."""


@dataclass
class Told:
    """What the report says of one function."""

    score: float = 0.0
    reasons: list[str] = field(default_factory=list)
    lines: dict[int, float] = field(default_factory=dict)


Key = tuple[str, str]
"""Path and qualified name: what stays the same while files are edited."""


class ReportLocalizer:
    """Raises the suspects that a report points at; finds suspects by it when no test fails."""

    def __init__(
        self,
        inner: Localizer,
        hints: Hints,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
    ) -> None:
        self._inner = inner
        self._hints = hints
        self._languages = tuple(languages)
        self._reader = reader
        self._told: dict[Key, Told] | None = None

    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        """Like the localizer inside; without failing tests, by the report alone."""
        if self._told is None:
            self._told = Inquiry(root, self._hints, self._languages, self._reader).told()
        found = self._inner.localize(root, baseline, by_name=by_name)
        if not found:
            return self._alone(root)
        raised = [
            _raised(suspect, self._told.get((suspect.path, suspect.name))) for suspect in found
        ]
        return tuple(sorted(raised, key=lambda suspect: -suspect.score))

    def _alone(self, root: Path) -> tuple[Suspect, ...]:
        places = Places(root, self._languages, self._reader)
        told = sorted((self._told or {}).items(), key=lambda pair: (-pair[1].score, pair[0]))
        suspects = []
        for (path, name), one in told[:MAX_SUSPECTS]:
            for place in places.at(path):
                if place.span.name == name:
                    place.score, place.lines, place.reasons = one.score, one.lines, one.reasons
                    suspects.append(place.suspect())
                    break
        return tuple(suspects)


def _raised(suspect: Suspect, told: Told | None) -> Suspect:
    """The suspect with the report's evidence, its first reason before the others."""
    share = told.score if told is not None else 0.0
    changes: dict[str, object] = {"score": round((suspect.score + SHARE * share) / (1 + SHARE), 4)}
    if told is not None:
        changes["reasons"] = (*told.reasons[:1], *suspect.reasons, *told.reasons[1:])
        inside = range(suspect.first_line, suspect.last_line + 1)
        lines = {n: v for n, v in told.lines.items() if n in inside}
        changes["lines"] = suspect.lines | {
            n: max(v, suspect.lines.get(n, 0.0)) for n, v in lines.items()
        }
    return suspect.model_copy(update=changes)


class Inquiry:
    """Looks a report's names and places up in the repository's own files, once."""

    def __init__(
        self, root: Path, hints: Hints, languages: Sequence[Language], reader: SourceReader
    ) -> None:
        self._hints = hints
        self._places = Places(root, languages, reader)
        self._files = [path for path in own_files(root) if self._places.may_hold_fault(path)]
        self._by_name: dict[str, list[str]] = {}
        for path in self._files:
            self._by_name.setdefault(PurePosixPath(path).name, []).append(path)
        self._found: dict[Key, Told] = {}

    def told(self) -> dict[Key, Told]:
        """What the report says of functions and classes; those of which it says nothing are out."""
        places = [place for path in self._chosen() for place in self._places.at(path)]
        functions = [place for place in places if place.is_function]
        self._add_frames()
        self._add_names(functions)
        self._add_files(functions)
        self._add_words(functions)
        for one in self._found.values():
            one.score = min(1.0, one.score)
        return self._found

    def _chosen(self) -> list[str]:
        """The files that share most with the report; all of them in a small repository."""
        wanted = self._hints.names
        named = {path for name in self._hints.files if (path := self._match(name))}
        weights: dict[str, float] = {}
        for path in self._files:
            words = set(WORD.findall(self._places.source(path) or ""))
            weights[path] = sum(wanted[word] for word in words & wanted.keys())
            weights[path] += 1_000 * (path in named)
        return sorted(self._files, key=lambda path: (-weights[path], path))[:MAX_PARSED]

    def _match(self, name: str) -> str | None:
        """The repository's own file that a path means, whatever machine it was written on.

        That with the longest common end; None when there are several, or none. Only files of the
        repository are ever looked at: a path that leads elsewhere matches nothing.
        """
        parts = PurePosixPath(name).parts[::-1]
        best, longest = None, 0
        for path in self._by_name.get(parts[0] if parts else "", ()):
            own = PurePosixPath(path).parts[::-1]
            common = 0
            while common < min(len(own), len(parts)) and own[common] == parts[common]:
                common += 1
            if common > longest:
                best, longest = path, common
            elif common == longest:
                best = None
        return best if longest else None

    def _tell(self, place: Place, score: float, reason: str) -> Told:
        told = self._found.setdefault((place.path, place.span.name), Told())
        told.score += score
        if reason and reason not in told.reasons:
            told.reasons.append(reason)
        return told

    def _add_frames(self) -> None:
        inside = [(f, p) for f in self._hints.frames if (p := self._frame_place(f)) is not None]
        for number, (frame, place) in enumerate(inside, 1):
            last = number == len(inside)
            word = "ends" if last else "passes"
            told = self._tell(
                place,
                LAST_FRAME if last else FRAME,
                f"the report {word} at line {frame.line} of `{place.span.name}`",
            )
            if place.span.first_line <= frame.line <= place.span.last_line:
                told.lines[frame.line] = max(told.lines.get(frame.line, 0.0), 1.0 if last else 0.5)

    def _frame_place(self, frame: ReportFrame) -> Place | None:
        """The function of a frame: by its name where the lines have moved since."""
        path = self._match(frame.path)
        if path is None:
            return None
        name = frame.function.rpartition(".")[2]
        held = self._places.holding(path, frame.line)
        if held is not None and held.is_function and held.span.name.rpartition(".")[2] == name:
            return held
        named = [p for p in self._places.at(path) if p.span.name.rpartition(".")[2] == name]
        if named:
            return named[0]
        return held if held is not None and not name and held.span.name != MODULE else None

    def _add_names(self, functions: Sequence[Place]) -> None:
        """Names weigh less the more functions bear them."""
        names = self._hints.names
        bearing = Counter(place.span.name.rpartition(".")[2] for place in functions)
        owners = Counter(place.span.name.rpartition(".")[0] for place in functions)
        dotted = {".".join(name.split(".")[-2:]) for name in self._hints.dotted}
        for place in functions:
            outer, _, last = place.span.name.rpartition(".")
            sure = names.get(last, 0.0)
            if sure:
                exact = ".".join(place.span.name.split(".")[-2:]) in dotted
                share = 1.0 if exact else sure / bearing[last]
                self._tell(place, NAMED * share, f"the report names `{last}`")
            owner = outer.rpartition(".")[2]
            if owner and names.get(owner, 0.0) == 1.0:
                share = OUTER / max(1.0, owners[outer] / 4)
                self._tell(place, NAMED * share, f"the report names `{owner}`")

    def _add_files(self, functions: Sequence[Place]) -> None:
        named = {path for name in self._hints.files if (path := self._match(name))}
        for place in functions:
            if place.path in named:
                self._tell(place, IN_FILE, f"the report names {place.path}")

    def _add_words(self, functions: Sequence[Place]) -> None:
        texts = [Counter(self._words(place)) for place in functions]
        wanted = set(self._hints.terms)
        common = Counter(term for text in texts for term in text.keys() & wanted)
        usual = sum(text.total() for text in texts) / max(1, len(texts))
        scores = []
        for text in texts:
            norm = SATURATION * (1 - LENGTH + LENGTH * text.total() / max(1.0, usual))
            parts = {
                term: log(1 + (len(texts) - common[term] + 0.5) / (common[term] + 0.5))
                * text[term]
                * (SATURATION + 1)
                / (text[term] + norm)
                for term in text.keys() & wanted
            }
            scores.append(parts)
        top = max((sum(parts.values()) for parts in scores), default=0.0)
        for place, parts in zip(functions, scores, strict=True):
            if parts and top > 0:
                said = sorted(parts, key=lambda term: (-parts[term], term))[:4]
                reason = f"shares the words {', '.join(said)} with the report"
                self._tell(place, WORDS * sum(parts.values()) / top, reason)

    def _words(self, place: Place) -> list[str]:
        source = self._places.source(place.path) or ""
        return [
            *terms(source[place.span.start : place.span.end]),
            *terms(place.span.name) * NAME_COUNTS,
            *terms(PurePosixPath(place.path).stem),
        ]
