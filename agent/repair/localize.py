"""Where the fault may lie, from test runs alone: no model is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from math import sqrt
from pathlib import Path

from agent.repair.edit import SourceReader, read_source
from agent.repair.places import MODULE, Place, Places
from agent.repair.reasons import lines_text, tests_text
from agent.repair.seams import Language, Recent, Suspect, nothing_recent
from agent.repair.spectrum import Spectrum
from agent.repair.surroundings import suspect_surroundings
from agent.repair.vendored import own_files
from agent.repair.words import PLACE, QUOTED, WORD, heads, name_words
from tools.report import Outcome, TestReport, TestResult

ERROR_REACH = 4
"""Lines above and below a line that does not parse which are suspected with it."""
MAX_SUSPECTS = 40
MAX_EXPECTED = 3
MAX_ERROR = 200
"""Characters of an error's message that are kept for its line."""

COVERAGE, RAISED, ON_STACK, NAMED, ALIKE, RECENT, UNPARSED = 0.6, 0.3, 0.1, 0.1, 0.03, 0.05, 1.0
"""What each kind of evidence adds to a score of at most 1."""


class SpectrumLocalizer:
    """Ochiai over per-test coverage, joined with tracebacks and the names that tests use."""

    def __init__(
        self,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
        max_suspects: int = MAX_SUSPECTS,
        recent: Recent = nothing_recent,
    ) -> None:
        """`recent` is asked once, when there is something to localise."""
        self._languages = tuple(languages)
        self._reader = reader
        self._max_suspects = max_suspects
        self._recent = recent
        self._newest: Collection[str] | None = None
        self._passed = Spectrum(())

    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        passing = tuple(r for r in baseline.results if r.outcome is Outcome.PASSED)
        if not self._passed.is_of(passing):
            # A plan asks once for each failing test, beside the same passing ones.
            self._passed = Spectrum(passing)
        places = Places(root, self._languages, self._reader)
        if self._newest is None:
            self._newest = self._recent(places.may_hold_fault)
        inquiry = _Inquiry(root, baseline, self._passed, places, self._reader)
        return inquiry.suspects(self._max_suspects, self._newest, by_name=by_name)


class _Inquiry:
    """One localisation: the sources it read and the evidence it has so far."""

    def __init__(
        self,
        root: Path,
        report: TestReport,
        passed: Spectrum,
        places: Places,
        reader: SourceReader,
    ) -> None:
        self._root = root
        self._reader = reader
        self._failing = report.failing
        self._passed = passed
        self._failed = Spectrum(report.failing)
        self._imports = report.imports
        self._places = places

    def suspects(
        self, limit: int, recent: Collection[str], *, by_name: bool
    ) -> tuple[Suspect, ...]:
        if not self._failing:
            return ()
        self._add_coverage()
        self._add_frames()
        self._add_unparsed()
        self._add_names()
        self._add_literals()
        if by_name:
            self._add_likeness()
        self._add_recency(recent)
        suspect_surroundings(self._places, self._imported(), self._quoted())
        found = [place for place in self._places if place.score > 0]
        found.sort(key=lambda p: (-p.score, -p.failing, p.passing, p.path, p.span.first_line))
        expected = self._expected()
        return tuple(place.suspect(expected) for place in found[:limit])

    def _expected(self) -> tuple[str, ...]:
        """Errors that are wanted in tests where another one came, or none."""
        errors: list[str] = []
        for test in self._failing:
            language = self._places.language(test.path) if test.path else None
            other = not test.message.startswith("AssertionError") or "not raised" in test.message
            if language is not None and other:
                with suppress(OSError):
                    text = self._reader(self._root, test.path)
                    errors += language.expected_errors(text, test.id)
        return tuple(dict.fromkeys(errors))[:MAX_EXPECTED]

    def _imported(self) -> set[str]:
        files = {test.path for test in self._failing}
        return {path for file in files for path in self._imports.get(file, ())}

    # -- evidence --------------------------------------------------------------------------

    def _add_coverage(self) -> None:
        total = sum(bool(test.lines) for test in self._failing)
        for path, line in self._failed.lines():
            place = self._places.holding(path, line)
            if place is not None:
                bad = self._failed.count(path, (line,))
                good = self._passed.count(path, (line,))
                place.lines[line] = bad / sqrt(total * (bad + good))
        for place in self._places:
            self._judge_coverage(place, total)

    def _judge_coverage(self, place: Place, total: int) -> None:
        """Turn a place's line scores into one, and say what they mean."""
        if not place.lines or not place.is_function:
            return
        place.failing = self._failed.count(place.path, place.lines)
        place.passing = self._passed.count(place.path, place.lines)
        place.score += COVERAGE * max(place.lines.values())
        place.reasons.append(
            f"runs in {place.failing} of {total} failing tests"
            f" and {place.passing} of {len(self._passed.tests)} passing ones"
        )
        top = max(place.lines.values())
        worst = [line for line, value in place.lines.items() if value == top]
        if len(worst) < len(place.lines):
            place.reasons.append(f"line {lines_text(worst)} sets the failing tests apart most")

    def _add_frames(self) -> None:
        raised: Counter[tuple[str, int]] = Counter()
        on_stack: Counter[tuple[str, int]] = Counter()
        for test in self._failing:
            stack = [
                (f.path, f.line) for f in test.frames if self._places.source(f.path) is not None
            ]
            on_stack.update(set(stack[:-1]))
            if stack and (test.frames[-1].path, test.frames[-1].line) == stack[-1]:
                raised[stack[-1]] += 1
            elif stack:
                on_stack[stack[-1]] += 1
            for path, line in stack:
                if place := self._places.holding(path, line):
                    place.errors.setdefault(line, test.message[:MAX_ERROR])
        for (path, line), count in raised.items():
            self._blame(path, line, RAISED, f"line {line} raises in {tests_text(count)}")
        for (path, line), count in on_stack.items():
            self._blame(path, line, ON_STACK, f"line {line} is on the stack of {tests_text(count)}")

    def _blame(self, path: str, line: int, share: float, reason: str) -> None:
        place = self._places.holding(path, line)
        if place is not None:
            place.score += share
            top = max(place.lines.values(), default=0.0)
            place.lines[line] = top + share
            place.reasons.append(reason)

    def _add_unparsed(self) -> None:
        """A source file that does not parse explains every test that imports it."""
        for test in self._failing:
            for path, line in self._mentioned(f"{test.traceback}\n{test.message}"):
                text, language = self._places.source(path), self._places.language(path)
                if text is None or language is None or language.parses(text):
                    continue
                whole = self._places.at(path)[0]
                if whole.score == 0:
                    whole.score = UNPARSED
                    whole.reasons.append(f"the file does not parse; the error is near line {line}")
                for near in range(max(1, line - ERROR_REACH), line + ERROR_REACH + 1):
                    nearness = 1 / (1 + abs(line - near))
                    whole.lines[near] = max(whole.lines.get(near, 0.0), nearness)

    def _mentioned(self, text: str) -> Iterable[tuple[str, int]]:
        """Repository files with line numbers in a traceback, however the paths are written."""
        for match in PLACE.finditer(text):
            name = match.group(1).replace("\\", "/")
            prefix = self._root.resolve().as_posix() + "/"
            name = name.removeprefix(prefix).removeprefix(self._root.as_posix() + "/")
            name = name.removeprefix("./")
            if not name.startswith("/") and ".." not in name and (self._root / name).is_file():
                yield name, int(match.group(2))

    def _add_names(self) -> None:
        """Functions that the failing tests call or whose names stand in the failure."""
        words: Counter[str] = Counter()
        for test, text in zip(self._failing, self._texts, strict=True):
            words.update(set(WORD.findall(f"{text}\n{test.message}")))
        if not any(place.score for place in self._places):
            self._look_everywhere(words)
        blind = not any(test.lines for test in self._failing)
        for place in self._places:
            last = place.span.name.rpartition(".")[2]
            count = words[last]
            if place.span.name != MODULE and count and (place.score > 0 or blind):
                share = NAMED * count / len(self._failing)
                place.score += share * (0.5 if place.span.is_class else 1.0)
                place.reasons.append(f"`{last}` is named in {tests_text(count)}")

    def _add_literals(self) -> None:
        """Functions that write texts which the failure quotes: keys, names of options."""
        quoted: set[str] = set()
        for test in self._failing:
            quoted.update(match[2] for match in QUOTED.finditer(test.message))
        if not quoted:
            return
        ran = [place for place in self._places if place.is_function and place.score > 0]
        holding: dict[str, list[Place]] = {}
        for place in ran:
            here = {match[2] for match in QUOTED.finditer(self._text(place))}
            for text in sorted(quoted & here):
                holding.setdefault(text, []).append(place)
        for place in ran:
            own = [text for text, places in holding.items() if place in places]
            if own:
                place.score += NAMED * min(1.0, sum(1 / len(holding[text]) for text in own))
                place.reasons.append(f"`{own[0]}`, which the failure quotes, stands in it")

    def _quoted(self) -> dict[str, float]:
        """Texts in the failing tests, with the share of the tests that quote them."""
        counted: Counter[str] = Counter()
        for text in self._texts:
            counted.update({match[2] for match in QUOTED.finditer(text)})
        return {text: count / len(self._failing) for text, count in counted.items()}

    def _add_likeness(self) -> None:
        """Functions whose names have words in common with those of the failing tests."""
        ran = [place for place in self._places if place.is_function and place.score > 0]
        words = [name_words(place.span.name) for place in ran]
        common = Counter(word for own in words for word in own)
        told: dict[int, tuple[Place, str]] = {}
        for test in self._failing:
            asked = name_words(test.id.split("[")[0].rpartition(".py::")[2])
            for place, own in zip(ran, words, strict=True):
                shared = sorted(own & asked, key=lambda word: (common[word], word))
                if shared:
                    share = min(1.0, sum(1 / common[word] for word in shared))
                    place.score += ALIKE * share / len(self._failing)
                    told[id(place)] = (place, shared[0])
        for place, word in told.values():
            place.reasons.append(f"`{word}` is in its name and in that of a failing test")

    def _add_recency(self, recent: Collection[str]) -> None:
        for place in self._places:
            if place.is_function and place.score > 0 and place.path in recent:
                place.score += RECENT
                place.reasons.append("its file is one of the few that were changed last")

    def _text(self, place: Place) -> str:
        return (self._places.source(place.path) or "")[place.span.start : place.span.end]

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(self._test_text(test) for test in self._failing)

    def _test_text(self, test: TestResult) -> str:
        """Source of the failing test alone where it can be told, else of its file."""
        language = self._places.language(test.path) if test.path else None
        if language is None:
            return test.traceback
        try:
            text = self._reader(self._root, test.path)
        except OSError:
            return test.traceback
        found = language.test_code(text, test.id)
        return found.text if found is not None else text

    def _look_everywhere(self, words: Counter[str]) -> None:
        """Without coverage or frames: files whose name or whose functions the tests mention."""
        for path in own_files(self._root):
            if not self._places.may_hold_fault(path):
                continue
            stem = Path(path).stem
            text = self._places.source(path)
            if text is not None and (words[stem] or not words.keys().isdisjoint(heads(text))):
                for place in self._places.at(path):
                    if place.is_function and words[place.span.name.rpartition(".")[2]]:
                        place.score += 0.1 + (0.1 if words[stem] else 0.0)
