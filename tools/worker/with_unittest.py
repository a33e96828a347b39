"""Run unittest in the child and report each test as it ends."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import unittest
from typing import Any, Iterator, Tuple, Union

from . import failures
from .channel import Channel
from .clock import Clock
from .coverage import Coverage
from .repository import Repository

Problem = Union[Tuple[type, BaseException, Any], Tuple[None, None, None]]


class Result(unittest.TestResult):
    """Streams what unittest tells it; a failing subtest fails its test."""

    def __init__(
        self,
        channel: Channel,
        repository: Repository,
        clock: Clock,
        coverage: Coverage | None,
        *,
        brief: bool,
    ) -> None:
        """`brief` leaves out the traceback and the frames of failures."""
        super().__init__()
        self._channel = channel
        self._repository = repository
        self._clock = clock
        self._coverage = coverage
        self._brief = brief
        self._watch = contextlib.ExitStack()
        self._began = 0.0
        self._fields: dict[str, Any] = {}

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 (unittest's name)
        super().startTest(test)
        self._fields = {"id": test.id(), "outcome": "passed", "path": self._path(type(test))}
        self._channel.send("started", id=test.id(), path=self._fields["path"])
        self._began = time.monotonic()
        if self._coverage is not None:
            self._watch.enter_context(self._coverage.test(test.id()))
        self._watch.enter_context(self._clock.limit())

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        self._watch.close()
        super().stopTest(test)
        if self._coverage is not None:
            self._fields["lines"] = self._coverage.take(test.id())
        seconds = round(time.monotonic() - self._began, 6)
        self._channel.send("result", seconds=seconds, **self._fields)
        if self._clock.no_more:
            self.stop()

    def addFailure(self, test: unittest.TestCase, err: Problem) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._failed(test, "failed", err)

    def addError(self, test: unittest.TestCase, err: Problem) -> None:  # noqa: N802
        super().addError(test, err)
        # unittest calls every exception but an AssertionError in a test an error.
        self._failed(test, "failed" if isinstance(test, unittest.TestCase) else "error", err)

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: Problem | None
    ) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed(test, "failed", err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        self._fields.update(outcome="skipped", message=reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Problem) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        self._fields.update(outcome="skipped", message="expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        self._fields.update(outcome="failed", message="unexpected success")

    def _failed(self, test: Any, outcome: str, err: Problem) -> None:
        error = err[1]
        if error is None:
            return
        message: dict[str, Any] = {"message": failures.message(error)}
        details = message if self._brief else describe(error, self._repository)
        if isinstance(test, unittest.TestCase):
            if self._clock.stopped:
                details["message"] = self._clock.stopped
            if self._fields.get("outcome") != "failed":
                self._fields.update(outcome=outcome, **details)
            return
        # setUpClass or setUpModule: unittest's stand-in is named "setUpClass (module.Class)".
        name = test.id().partition("(")[2].rstrip(")") or test.id()
        self._channel.send(
            "result", id=name, outcome=outcome, path=self._module_path(name), **details
        )

    def _path(self, kind: type) -> str:
        module = sys.modules.get(kind.__module__)
        return self._repository.relative(str(getattr(module, "__file__", "<none>"))) or ""

    def _module_path(self, name: str) -> str:
        while name and name not in sys.modules:
            name = name.rpartition(".")[0]
        module = sys.modules.get(name)
        return self._repository.relative(str(getattr(module, "__file__", "<none>"))) or ""


def describe(error: BaseException, repository: Repository) -> dict[str, Any]:
    """Message, traceback and frames of a failure, without unittest's own frames."""
    skip = (os.sep + "unittest" + os.sep, "_locum_worker", "importlib")
    return {
        "message": failures.message(error),
        "traceback": failures.clip(failures.plain_traceback(error, skip)),
        "frames": failures.frames(error, repository),
    }


class UnittestRun:
    """One run: `starts` are (directory, top directory) pairs, absolute; `names` dotted names."""

    def __init__(
        self,
        starts: list[tuple[str, str]],
        pattern: str,
        names: list[str],
        ids: list[str] | None,
    ) -> None:
        self._starts = starts
        self._pattern = pattern
        self._names = names
        self._ids = ids
        self._loader = unittest.TestLoader()

    def run(
        self,
        channel: Channel,
        repository: Repository,
        result: Result,
        skip: set[str],
    ) -> int:
        """Exit code: 0 when all passed, 5 when there was none, else 1."""
        for _, top in self._starts:
            if top not in sys.path:
                sys.path.insert(0, top)
        self._channel, self._repository = channel, repository
        self._broken: set[str] = set(skip)
        tests = [test for test in self._load() if test.id() not in skip]
        channel.send("collected", n=len(tests))
        unittest.TestSuite(tests).run(result)
        broken = self._broken - skip
        if not tests and not broken:
            return 5
        return 0 if result.wasSuccessful() and not broken else 1

    def _load(self) -> Iterator[unittest.TestCase]:
        names = self._names if self._ids is None else self._ids
        if names or self._ids is not None:
            modules = [self._dotted(name) for name in names]
            suites = [
                self._named(name) for name in modules if self._importable(self._module_of(name))
            ]
        else:
            suites = [
                self._loader.discover(start, pattern=self._pattern, top_level_dir=top)
                for start, top in self._starts
            ]
        seen: set[str] = set()
        for suite in suites:
            for test in _flat(suite):
                if test.id() in seen:
                    continue
                seen.add(test.id())
                # unittest's stand-in for a module that does not import, or a name that is gone.
                if type(test).__name__ != "_FailedTest":
                    yield test
                else:
                    self._importable(test.id().partition("_FailedTest.")[2])

    def _named(self, name: str) -> unittest.TestSuite:
        """The tests of a dotted name; a method's own name may hold dots, too."""
        module = self._module_of(name)
        kind, _, method = name[len(module) + 1 :].partition(".")
        if module and "." in method:
            every = _flat(self._loader.loadTestsFromName(f"{module}.{kind}"))
            found = [test for test in every if test.id() == name]
            if found:
                return unittest.TestSuite(found)
        return self._loader.loadTestsFromName(name)

    def _dotted(self, name: str) -> str:
        """A file that could not be imported has its path as id; unittest wants its module."""
        if not name.endswith(".py"):
            return name
        path = os.path.join(self._repository.root, name)
        for _, top in sorted(self._starts, key=lambda pair: -len(pair[1])):
            if path.startswith(top + os.sep):
                return path[len(top) + 1 : -3].replace(os.sep, ".")
        return name[:-3].replace("/", ".")

    def _module_of(self, name: str) -> str:
        """The longest part of a dotted name that is a module's file."""
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            if self._path_of(".".join(parts[:end])):
                return ".".join(parts[:end])
        return ""

    def _importable(self, module: str) -> bool:
        """Import a test module ourselves, for unittest keeps only the text of a failure."""
        path = self._path_of(module)
        if not path or path in self._broken:
            return not path
        try:
            importlib.import_module(module)
        except unittest.SkipTest:
            return True
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a module may raise anything
            self._broken.add(path)
            details = describe(error, self._repository)
            self._channel.send("result", id=path, outcome="error", path=path, **details)
            return False
        return True

    def _path_of(self, module: str) -> str:
        for top in [*(top for _, top in self._starts), self._repository.root]:
            for ending in (".py", os.sep + "__init__.py"):
                path = os.path.join(top, module.replace(".", os.sep) + ending)
                if module and os.path.exists(path):
                    return self._repository.relative(path) or ""
        return ""


def _flat(suite: Any) -> Iterator[unittest.TestCase]:
    if isinstance(suite, unittest.TestSuite):
        for part in suite:
            yield from _flat(part)
    else:
        yield suite
