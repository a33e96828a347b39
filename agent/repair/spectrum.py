"""Which tests ran which lines, as one bit set a line: counting many tests costs one operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.report import TestResult


class Spectrum:
    """The lines of some tests; bit `i` of a line's set is the `i`-th test."""

    def __init__(self, tests: Sequence[TestResult]) -> None:
        self.tests = tests
        self._sets: dict[tuple[str, int], int] = {}
        for number, test in enumerate(tests):
            bit = 1 << number
            for path, lines in test.lines.items():
                for line in lines:
                    self._sets[path, line] = self._sets.get((path, line), 0) | bit

    def lines(self) -> Iterable[tuple[str, int]]:
        """Path and number of every line that ran."""
        return self._sets

    def count(self, path: str, lines: Iterable[int]) -> int:
        """How many tests ran at least one of these lines."""
        union = 0
        for line in lines:
            union |= self._sets.get((path, line), 0)
        return union.bit_count()

    def is_of(self, tests: Sequence[TestResult]) -> bool:
        """Whether these are the very same results, not only equal ones."""
        return len(tests) == len(self.tests) and all(
            one is other for one, other in zip(tests, self.tests, strict=True)
        )
