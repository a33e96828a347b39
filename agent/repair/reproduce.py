"""A test written from a bug report, where no test fails: many drafts, judged by running them.

After LIBRO (Kang, Yoon and Yoo, Large Language Models are Few-shot Testers, ICSE 2023): drafts
that fail are ranked by whether their failure shows what the report says and by how many agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.prompts import prompt
from agent.repair.prompt import fenced
from agent.repair.reports import Hints, values
from agent.repair.rewrite import Sampler
from agent.repair.seams import Suspect
from tools.report import Outcome, TestReport, TestResult
from tools.text import head_and_tail

SPREAD: tuple[tuple[int, float], ...] = ((1, 0.0), (3, 0.6), (4, 0.9))
"""Samples and their temperature, one request each; greedy first."""
MAX_TOKENS = 220
MAX_ISSUE = 2_400
"""Characters of the report that the model is shown: about 700 tokens."""
SUSPECTS_RUN = 10
"""A test must run one of so many places that the report points at most."""
NOT_RAISED = "DID NOT RAISE"
"""How pytest says that an expected exception did not come."""


@dataclass(frozen=True)
class Example:
    """An existing test that shows how this repository writes its tests."""

    path: str
    text: str
    in_class: bool = False
    """Whether tests are methods, so that a plain function would not be found."""


@dataclass(frozen=True)
class Draft:
    """A test that was written from the report; nothing ran it yet."""

    text: str
    """The whole new file, with one test in it."""
    votes: int = 1
    """How many samples hold the same test."""


@dataclass(frozen=True)
class Failure:
    """A draft that failed in a way that the report may mean."""

    draft: Draft
    result: TestResult
    ties: tuple[str, ...]
    """What ties the failure to the report, one sentence each."""
    weight: tuple[int, ...]
    """Larger is better, compared from the left."""
    convincing: bool = False
    """No further sample could tie it closer to the report."""


class TestWriter(Protocol):
    """What is particular to a language in writing a new test file."""

    def example(
        self, root: Path, tests: Sequence[str], suspects: Sequence[Suspect]
    ) -> Example | None:
        """The existing test nearest to the suspects, out of the test files of these paths."""

    def subject(self, root: Path, tests: Sequence[str], suspects: Sequence[Suspect]) -> str:
        """Code of the suspects and how tests import it, as the model is shown it."""

    def drafts(
        self,
        answer: str,
        root: Path,
        example: Example,
        tests: Sequence[str],
        suspects: Sequence[Suspect],
    ) -> Iterator[str]:
        """Texts of files with one test each that the model's answer holds.

        Left out is what does not parse, uses a name that nothing defines, or could do more than
        call the repository's own code.
        """

    def path(self, example: Example, suspect: Suspect, taken: Callable[[str], bool]) -> str:
        """Where the new file goes: beside the example, under a name that is not taken."""


class Reproducer:
    """Asks the model for tests; which of them counts is for runs to decide."""

    def __init__(
        self,
        sampler: Sampler,
        writer: TestWriter,
        hints: Hints,
        spread: Sequence[tuple[int, float]] = SPREAD,
    ) -> None:
        self.writer = writer
        self.hints = hints
        self._sampler = sampler
        self._spread = tuple(spread)

    def rounds(
        self,
        root: Path,
        example: Example,
        tests: Sequence[str],
        suspects: Sequence[Suspect],
        seed: int,
    ) -> Iterator[tuple[Draft, ...]]:
        """After each request all different tests so far, those that most samples hold first.

        The model is asked only when the next round is taken.
        """
        question = self._messages(root, example, tests, suspects)
        found: Counter[str] = Counter()
        for turn, (count, temperature) in enumerate(self._spread):
            answer = self._sampler.chat(
                question,
                n=count,
                max_tokens=MAX_TOKENS,
                temperature=temperature,
                seed=seed + turn,
            )
            for text in answer.texts:
                found.update(set(self.writer.drafts(text, root, example, tests, suspects)))
            yield tuple(Draft(text, votes) for text, votes in found.most_common())

    def _messages(
        self,
        root: Path,
        example: Example,
        tests: Sequence[str],
        suspects: Sequence[Suspect],
    ) -> list[dict[str, str]]:
        parts = [
            self.writer.subject(root, tests, suspects),
            f"An existing test, from {example.path}:",
            fenced(example.text),
            "Report of a user:",
            fenced(head_and_tail(self.hints.text, MAX_ISSUE)),
            "Write the test that shows the reported bug.",
        ]
        return [
            {"role": "system", "content": prompt("reproduce")},
            {"role": "user", "content": "\n".join(parts)},
        ]


def judge(
    draft: Draft, report: TestReport, path: str, hints: Hints, is_source: Callable[[str], bool]
) -> Failure | str:
    """The failure of a draft that ran, or why it does not count.

    It counts when its one test was collected and failed by an assertion, by the exception that
    the report names, or by one raised inside the repository's source code where the report names
    none; and when something ties it to the report.
    """
    results = [result for result in report.results if result.path == path]
    if len(results) != 1 or results[0].id == path:
        return "it was not collected as one test"
    (result,) = results
    if result.outcome is Outcome.PASSED:
        return "it passes"
    if result.outcome is not Outcome.FAILED:
        return "it could not run"
    kind, _, said = result.message.partition(":")
    kind = kind.rpartition(".")[2]
    not_raised = kind == "Failed" and NOT_RAISED in said
    asserted = kind == "AssertionError" or not_raised
    named = any(error in said for error in hints.errors) if not_raised else kind in hints.errors
    inside = bool(result.frames) and is_source(result.frames[-1].path)
    if not asserted and not inside:
        return f"it fails by itself ({kind})"
    if not asserted and hints.errors and kind not in hints.errors:
        return f"it fails by {kind}, and the report names {hints.errors[0]}"
    return _tied(draft, result, hints, named=kind if named else "", inside=inside)


def _tied(
    draft: Draft, result: TestResult, hints: Hints, *, named: str, inside: bool
) -> Failure | str:
    """The failure with what ties it to the report."""
    used = set(values(draft.text))
    shown = (set(values(result.message)) - used) & hints.values
    known, foreign = used & hints.values, used - hints.values
    ties = []
    if named:
        ties.append(f"it fails by `{named}`, which the report names")
    if shown:
        ties.append(f"its failure shows {_quoted(shown)}, as the report does")
    if known:
        ties.append(f"it takes {_quoted(known)} from the report")
    if draft.votes > 1:
        ties.append(f"{draft.votes} samples of the model are the same test")
    if not ties and not inside:
        return "nothing ties its failure to the report"
    weight = (bool(named), len(shown), -len(foreign), len(known), draft.votes, -len(draft.text))
    convincing = bool(named or shown or len(known) > 1) and not foreign
    return Failure(draft, result, tuple(ties), weight, convincing)


def _quoted(found: set[str]) -> str:
    return ", ".join(f"`{value}`" for value in sorted(found)[:4])


def alike(one: TestResult, other: TestResult) -> bool:
    """Whether a test failed in the same way in two runs."""
    return (one.outcome, one.message) == (other.outcome, other.message)


def suspect_run(result: TestResult, suspects: Sequence[Suspect]) -> Suspect | None:
    """The first of the most suspected places that a test ran; None when it ran none of them."""
    for suspect in suspects[:SUSPECTS_RUN]:
        lines = result.lines.get(suspect.path, ())
        # The line of its `def` runs on import, whoever imports it.
        if any(suspect.first_line < line <= suspect.last_line for line in lines):
            return suspect
    return None
