"""What the model is told beside the code, in sections that know where their text stands.

`benchmarks/context.py` measures how much each one raises the likelihood of the right fix. On small
samples of bugs, these did not pay for their tokens with the 1.5B model and are left out: local
values, first lines of what the code calls, its class, similar code, its last change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.repair.edit import SourceReader
from agent.repair.seams import Evidence, Language
from tools.report import TestResult
from tools.text import head_and_tail, strip_control

MAX_TESTS = 2
"""Failing tests that are shown, those with the least to read."""
MAX_TEST, MAX_FAILURE, MAX_ISSUE = 1_600, 500, 1_000
"""Characters; about 3.5 make a token."""


@dataclass(frozen=True)
class Section:
    """One part of the question to the model."""

    name: str
    """`code`, `report`, `test`, `failure` or `values`."""
    title: str
    text: str
    tag: str = ""
    """The language of the text, as fences name it."""
    place: str = ""
    """`path:first-last` of what is quoted; empty for what stands in no file."""


class TestContext:
    """What the failing tests say: the same for every suspect of an item."""

    __test__ = False

    def __init__(self, languages: Sequence[Language], reader: SourceReader) -> None:
        self._languages = tuple(languages)
        self._reader = reader

    def sections(self, evidence: Evidence) -> Iterator[Section]:
        if evidence.issue:
            report = head_and_tail(strip_control(evidence.issue), MAX_ISSUE)
            yield Section("report", "Report of a user:", report)
        shown: set[str] = set()
        for test in shortest(evidence.failing):
            section = self._test(evidence, test)
            if section.text not in shown:
                shown.add(section.text)
                yield section
            yield Section("failure", "Failure:", failure(test))
        if evidence.values:
            yield Section("values", "Values when the test ran:", evidence.values)

    def _test(self, evidence: Evidence, test: TestResult) -> Section:
        """The test's own code; its traceback where that cannot be found."""
        language = next((lang for lang in self._languages if lang.owns(test.path)), None)
        if language is None:
            return Section("test", "Failing test:", _cut(test.traceback))
        try:
            source = self._reader(evidence.root, test.path)
        except OSError:
            source = ""
        found = language.test_code(source, test.id)
        if found is None:
            return Section("test", "Failing test:", _cut(test.traceback), language.name)
        place = f"{test.path}:{found.first_line}-{found.last_line}"
        return Section("test", "Failing test:", _cut(found.text), language.name, place)


def shortest(tests: Sequence[TestResult]) -> list[TestResult]:
    """A few failing tests, those with the least to read."""
    return sorted(tests, key=lambda t: (len(t.traceback), t.id))[:MAX_TESTS]


def failure(test: TestResult) -> str:
    """What is wrong, in the runner's words."""
    return head_and_tail(f"{test.id}\n{strip_control(test.message)}", MAX_FAILURE)


def _cut(text: str) -> str:
    return head_and_tail(strip_control(text), MAX_TEST)
