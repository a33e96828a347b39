"""The seams of the repair search: what each part takes and gives, and nothing of how."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from agent.repair.budget import Budget
from tools.report import TestReport, TestResult


class Suspect(BaseModel):
    """A function (or module-level stretch) that may hold the fault."""

    model_config = ConfigDict(frozen=True)

    path: str
    """Repository-relative, POSIX separators."""
    name: str
    """Qualified name such as `Account.withdraw`, or `<module>`."""
    first_line: int
    last_line: int
    """1-based, inclusive; decorators belong to the span."""
    score: float
    """0 to 1, larger is more suspicious."""
    lines: dict[int, float] = {}
    """Suspiciousness of single lines (Ochiai), 0 to 1."""
    errors: dict[int, str] = {}
    """Lines that an error of a failing test came through: `ValueError: too many values`."""
    expected: tuple[str, ...] = ()
    """Errors that failing tests want raised and do not get: see `Language.expected_errors`."""
    reasons: tuple[str, ...] = ()
    """Why, in words a person can check: 'runs in 3 of 3 failing tests, 0 of 6 passing'."""


class Splice(BaseModel):
    """Replace characters start to end of one file by text; everything else stays byte for byte."""

    model_config = ConfigDict(frozen=True)

    path: str
    start: int
    end: int
    """Character offsets into the decoded file, half open."""
    text: str


class Candidate(BaseModel):
    """One proposed edit, small enough to be kept in a checkpoint."""

    model_config = ConfigDict(frozen=True)

    strategy: str
    """`template`, `rewrite`, `branch`, `clone`, `style` …"""
    operator: str = ""
    """The strategy's own name for the edit: `swap-comparison`, `sample 3 at t=0.8` …"""
    splices: tuple[Splice, ...]
    """In one file or several; never overlapping; offsets refer to the text before any of them."""
    log_probability: float | None = None
    """Nats by which the model prefers the edited code to the code as it is, where known."""
    weight: float | None = None
    """How likely its proposer thought it among its own, before any test ran; above 0."""


class Verdict(BaseModel):
    """What the tests said of one candidate."""

    model_config = ConfigDict(frozen=True)

    candidate: Candidate
    target_passed: int
    target_total: int
    regressions: tuple[str, ...] = ()
    """Ids of tests that passed before and do not now."""
    whole_suite: bool = False
    """Whether the whole suite ran, or only the failing tests and what was likely affected."""
    rejected: str = ""
    """Empty, or why it never ran: does not parse, same as the code, seen already."""
    seconds: float = 0.0
    """How long the search waited for it; where runs overlap, less than they took."""

    @property
    def survives(self) -> bool:
        return (
            not self.rejected and self.target_passed == self.target_total and not self.regressions
        )


@dataclass(frozen=True)
class Evidence:
    """Everything that a proposer may look at. Paths are relative to `root`."""

    root: Path
    """The workspace copy, never the user's tree."""
    failing: tuple[TestResult, ...]
    baseline: TestReport
    suspects: tuple[Suspect, ...]
    tried: tuple[Verdict, ...] = ()
    """Verdicts of earlier rounds on the same item."""
    issue: str = ""
    """Untrusted text of a bug report, if the user gave one."""
    values: str = ""
    """What a suspect got, held and gave back when a failing test ran, as lines for the model."""
    seed: int = 0


Recent = Callable[[Callable[[str], bool]], Collection[str]]
"""Of the files that a predicate is true of, the few that were changed last, where that is known."""


def nothing_recent(_: Callable[[str], bool]) -> Collection[str]:
    return ()


class Localizer(Protocol):
    def localize(
        self, root: Path, baseline: TestReport, *, by_name: bool = True
    ) -> tuple[Suspect, ...]:
        """Suspects, most suspicious first; empty when nothing inside the repository ran.

        Without `by_name` the names of the tests do not count: they differ where the fault is one.
        """


class Proposer(Protocol):
    name: str

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Candidates, most promising first. Lazy: the caller stops taking when it has enough.

        Every candidate differs from the code, and its edited files parse.
        """


class Verifier(Protocol):
    def verify(
        self, candidates: Sequence[Candidate], evidence: Evidence, budget: Budget
    ) -> Generator[Verdict, None, None]:
        """A verdict for each, in order, until the budget is spent.

        Test runs may be under way until it is closed.
        """


class Ranking(BaseModel):
    """Survivors in the order in which to apply them, and what they have in common."""

    model_config = ConfigDict(frozen=True)

    order: tuple[Verdict, ...] = ()
    behaviours: int = 0
    """How many different behaviours the compared survivors have; 0 when none was compared."""
    agreeing: tuple[int, ...] = ()
    """For each of `order`, how many behave like it, itself included; 0 when it was not compared."""
    reasons: tuple[tuple[str, ...], ...] = ()
    """For each of `order`, what counted for and against it, in words."""
    scores: tuple[float, ...] = ()
    """For each of `order`, its own weight in nats."""
    behaves: tuple[int, ...] = ()
    """For each of `order`, the number of its behaviour from 1; 0 when it was not compared."""
    liked: float | None = None
    """Nats by which the model likes the first one, or the best of those that behave like it, more
    than the code as it was, less what speaks against them but their size; None when it read none
    of them."""


class Ranker(Protocol):
    def rank(
        self,
        survivors: Sequence[Verdict],
        evidence: Evidence,
        budget: Budget,
        *,
        lone: bool = False,
    ) -> Ranking:
        """All survivors, the one to apply first; may run tests to compare them.

        `lone`: whether the model also reads a single one that is not its own.
        """


@dataclass(frozen=True)
class Span:
    """A function or class in a source text; offsets in characters, lines 1-based inclusive."""

    name: str
    start: int
    end: int
    first_line: int
    last_line: int
    is_class: bool = False


@dataclass(frozen=True)
class Excerpt:
    """Lines of a source text, 1-based and inclusive, and what of them is worth reading."""

    first_line: int
    last_line: int
    text: str


class Language(Protocol):
    """What is particular to a programming language. Only implementations may assume one."""

    name: str

    def owns(self, path: str) -> bool:
        """Whether this file is source code of the language (by its name)."""

    def is_test(self, path: str) -> bool:
        """Whether this file is part of the tests, and so never edited."""

    def spans(self, source: str) -> tuple[Span, ...]:
        """Functions and classes, outermost first; empty when the source does not parse."""

    def parses(self, source: str) -> bool: ...

    def fingerprint(self, source: str) -> str:
        """Equal for sources that differ only in layout and comments."""

    def uncommented(self, source: str, start: int, end: int, text: str) -> str:
        """`text`, which is to replace these characters, without comments that are new with it."""

    def pointless(self, source: str) -> int:
        """Number of conditions that lead to the same answer either way."""

    def test_code(self, source: str, test_id: str) -> Excerpt | None:
        """The test of this id with no other parameters than its case's; None when not found."""

    def expected_errors(self, source: str, test_id: str) -> tuple[str, ...]:
        """Errors that the test wants raised, as code that makes them: `ValueError('no name')`."""

    def lacking_imports(
        self, path: str, before: str, splices: Sequence[Splice]
    ) -> tuple[Splice, ...]:
        """Splices of a file's text that import what only these splices of it use; whole statements.

        Empty where nothing is missing, or something that is not known.
        """

    def only_imports(self, text: str) -> bool:
        """Whether a stretch of code imports and does nothing else."""
