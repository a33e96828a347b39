"""What a test run reported: the values that every runner produces and the search reads."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """Set-up, teardown or collection raised: the test (or its file) could not run to its end."""
    SKIPPED = "skipped"


class Frame(BaseModel):
    """One traceback frame inside the repository, outermost first in its list."""

    model_config = ConfigDict(frozen=True)

    path: str
    """Relative to the repository root, POSIX separators."""
    line: int
    function: str
    local_values: dict[str, str] = Field(default_factory=dict)
    """Shortened repr of the frame's locals, where the runner can see them."""


class TestResult(BaseModel):
    """The outcome of one test."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    id: str
    """Runner-native id that selects this test again: pytest node id, or dotted unittest id."""
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    """The last line of the failure: exception type and text."""
    traceback: str = ""
    """As the runner would print it, at most 4,000 characters, control sequences removed."""
    frames: tuple[Frame, ...] = ()
    path: str = ""
    """Test file, relative to the repository root."""
    lines: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Covered lines by repository-relative path; empty unless the run measured coverage."""

    @property
    def hung(self) -> bool:
        """Whether it was stopped: its code may loop without end, or the machine may be slow."""
        return self.message.startswith("TestTimeout")


class CallSeen(BaseModel):
    """One call of a watched function; values as shortened reprs."""

    model_config = ConfigDict(frozen=True)

    arguments: dict[str, str] = Field(default_factory=dict)
    """By name; `self.balance` for an attribute of an object that has no repr of its own."""
    returned: str = ""
    raised: str = ""
    """Type and text of the exception that ended the call; empty when it returned."""


class Watched(BaseModel):
    """What one function did in a run that watched it."""

    model_config = ConfigDict(frozen=True)

    count: int
    """All calls, those of recursion included."""
    calls: tuple[CallSeen, ...] = ()
    """The last few calls from outside, in order."""
    lines: tuple[tuple[int, str, str], ...] = ()
    """Of the very last call: line, name and the values that the line gave it."""


class TestReport(BaseModel):
    """The outcome of one run of a selection of tests."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    results: tuple[TestResult, ...] = ()
    exit_code: int | None = None
    timed_out: bool = False
    collected: int = 0
    seconds: float = 0.0
    output: str = ""
    """Tail of standard output and error, control sequences removed."""
    problem: str = ""
    """Empty when the run was sound; else one sentence: crashed, timed out, nothing collected …"""
    notes: tuple[str, ...] = ()
    """What had to be changed to run at all (options that the installed plugins do not know …)."""
    import_lines: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Lines outside functions, by path, that ran when the file was imported; with coverage only.

    They belong to every test whose file reaches that path in `imports`.
    """
    imports: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By test file: the repository's files that it imports, directly or not, itself included."""
    watched: Watched | None = None
    """Only where the run was asked to watch a function."""
    starved: bool = False
    """A test was stopped that had not had the processor for most of its time, as far as is known:
    it may have waited for something, or been held up by what else the machine did."""
    memory: int = 0
    """Bytes that the process of the tests held at its peak; 0 where that is not known."""

    def ids(self, *outcomes: Outcome) -> tuple[str, ...]:
        return tuple(result.id for result in self.results if result.outcome in outcomes)

    @property
    def failing(self) -> tuple[TestResult, ...]:
        return tuple(r for r in self.results if r.outcome in (Outcome.FAILED, Outcome.ERROR))

    @property
    def passed_count(self) -> int:
        return len(self.ids(Outcome.PASSED))

    @property
    def total(self) -> int:
        """Tests that ran; skipped ones are not counted."""
        return len(self.results) - len(self.ids(Outcome.SKIPPED))

    @property
    def green(self) -> bool:
        return (
            bool(self.results) and not self.failing and not self.timed_out and self.exit_code == 0
        )
