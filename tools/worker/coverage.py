"""Lines of the repository per test, and per import."""

from __future__ import annotations

import contextlib
from typing import Any, Iterable, Iterator, Sequence

from .imports import ImportGraph
from .lines import Lines, make_recorder, no_lines, ranges
from .repository import Repository


class Coverage:
    """Records from `start` on.

    What the set-up of a shared fixture (class, module, session) runs counts for every test that
    uses the fixture, not only for the first.
    """

    def __init__(self, repository: Repository) -> None:
        self._recorder = make_recorder(repository)
        self._graph = ImportGraph(repository)
        self._tests: dict[str, Lines] = {}
        self._shared: dict[Any, Lines] = {}
        self._uses: dict[str, Sequence[Any]] = {}

    def start(self) -> None:
        self._graph.start()
        self._recorder.start()

    def stop(self) -> None:
        self._recorder.stop()

    @contextlib.contextmanager
    def test(self, nodeid: str, fixtures: Sequence[Any] = ()) -> Iterator[None]:
        """Everything inside belongs to one test."""
        self._uses[nodeid] = fixtures
        with self._recorder.into(self._tests.setdefault(nodeid, no_lines())):
            yield

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing inside is recorded for any test."""
        with self._recorder.into(no_lines()):
            yield

    @contextlib.contextmanager
    def shared(self, fixture: Any) -> Iterator[None]:
        """Everything inside sets up `fixture`, for all tests that use it."""
        with self._recorder.into(self._shared.setdefault(fixture, no_lines())):
            yield

    def take(self, nodeid: str) -> dict[str, list[int]]:
        """The lines of a test that has ended."""
        lines = self._tests.pop(nodeid, no_lines())
        for fixture in self._uses.pop(nodeid, ()):
            for path, numbers in self._shared.get(fixture, {}).items():
                lines[path] |= numbers
        return ranges(lines)

    def imported(self, test_files: Iterable[str]) -> dict[str, Any]:
        """Lines that ran at import, and which of their files each test file reaches."""
        return {
            "lines": ranges(self._recorder.imported),
            "files": self._graph.reachable(test_files),
        }
