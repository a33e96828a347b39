"""The pytest plugin of the child: reports each test as it ends."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

import pytest
from _pytest.reports import CollectReport

from . import failures
from .channel import Channel
from .clock import Clock
from .coverage import Coverage
from .repository import Repository
from .selection import Selection

WORST = {"skipped": 0, "passed": 1, "failed": 2, "error": 3}


class Reporter:
    """The pytest plugin that turns hooks into events."""

    def __init__(
        self,
        channel: Channel,
        repository: Repository,
        clock: Clock,
        coverage: Coverage | None,
        selection: Selection | None,
        skip: set[str],
        brief: bool,
    ) -> None:
        """`brief` leaves out the traceback and the frames of failing tests."""
        self._channel = channel
        self._repository = repository
        self._clock = clock
        self._coverage = coverage
        self._selection = selection
        self._skip = skip
        self._brief = brief
        self._details: dict[str, dict[str, Any]] = {}
        self._reports: dict[str, list[Any]] = {}
        self.session_started = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: Any) -> None:
        self._session = session
        self.session_started = True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self._selection is not None:
            items[:] = [item for item in items if item.nodeid in self._selection]
        if self._skip:
            items[:] = [item for item in items if item.nodeid not in self._skip]

    def pytest_collection_finish(self, session: Any) -> None:
        self._channel.send("collected", n=len(session.items))

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Called for collection errors too, which no other hook gives with the exception."""
        if isinstance(report, CollectReport):
            error = call.excinfo.value
            nodeid = report.nodeid or str(node)
            if type(error).__name__ == "ConftestImportFailure":
                nodeid = self._repository.relative(str(error.path)) or nodeid
            self._collection_error(nodeid, origin(error), str(report.longrepr))

    def collection_error(self, path: str, error: BaseException) -> None:
        """Report a file that could not be imported before the collection started."""
        relative = self._repository.relative(path) or path
        self._collection_error(relative, error, failures.plain_traceback(error))

    def _collection_error(self, nodeid: str, error: BaseException, text: str) -> None:
        if nodeid in self._skip:
            return
        self._channel.send(
            "result",
            id=nodeid,
            outcome="error",
            message=failures.message(error),
            traceback=failures.clip(text),
            frames=failures.frames(error, self._repository),
            path=nodeid.partition("::")[0],
        )

    def pytest_internalerror(self, excinfo: Any) -> None:
        text = "pytest failed internally: " + failures.message(excinfo.value)
        self._channel.send("problem", text=text)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._channel.send("started", id=nodeid, path=nodeid.partition("::")[0])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        if self._coverage is None:
            yield
            return
        with self._coverage.test(item.nodeid, _fixtures(item)):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if self._coverage is None or fixturedef.scope == "function":
            yield
            return
        with self._coverage.shared(fixturedef):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        with self._clock.limit():
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        with self._clock.limit():
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        with self._clock.limit():
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        with self._coverage.paused() if self._coverage else contextlib.nullcontext():
            yield
            self._keep_details(item, call)

    def _keep_details(self, item: Any, call: Any) -> None:
        if call.excinfo is not None and item.nodeid not in self._details:
            error = call.excinfo.value
            self._details[item.nodeid] = {
                "message": self._clock.stopped or failures.message(error),
                "frames": [] if self._brief else failures.frames(error, self._repository),
            }

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome in WORST:
            self._reports.setdefault(report.nodeid, []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        reports = self._reports.pop(nodeid, [])
        if not reports:
            return
        worst = max(reports, key=lambda report: WORST[_outcome(report)])
        outcome = _outcome(worst)
        if outcome == "passed" and any(r.outcome == "skipped" for r in reports):
            worst = next(r for r in reports if r.outcome == "skipped")
            outcome = "skipped"
        details = self._details.pop(nodeid, {})
        fields: dict[str, Any] = {
            "id": nodeid,
            "outcome": outcome,
            "seconds": round(sum(report.duration for report in reports), 6),
            "path": nodeid.partition("::")[0],
        }
        if outcome in ("failed", "error"):
            if not self._brief:
                fields["traceback"] = failures.clip(worst.longreprtext + _captured(worst))
            fields["message"] = details.get("message") or _last_line(worst.longreprtext)
            fields["frames"] = details.get("frames", [])
        elif outcome == "skipped":
            fields["message"] = details.get("message", "")
        if self._coverage is not None:
            fields["lines"] = self._coverage.take(nodeid)
        self._channel.send("result", **fields)
        if self._clock.no_more:
            self._session.shouldstop = "no test of the run is to begin any more"


def _fixtures(item: Any) -> list[Any]:
    information = getattr(item, "_fixtureinfo", None)
    definitions = getattr(information, "name2fixturedefs", {})
    return [definition for group in definitions.values() for definition in group]


def _outcome(report: Any) -> str:
    outcome: str = report.outcome
    return "error" if outcome == "failed" and report.when != "call" else outcome


def _captured(report: Any) -> str:
    text = (report.capstdout + report.capstderr).strip()
    return "\n--- captured output ---\n" + text[-600:] if text else ""


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][: failures.MESSAGE_LIMIT] if lines else ""


def origin(error: BaseException) -> BaseException:
    """The exception of the repository inside those that pytest wraps around import failures."""
    cause = getattr(error, "cause", None)  # ConftestImportFailure of pytest 8
    wrapped = getattr(error, "excinfo", None)  # and of the ones before
    if isinstance(wrapped, tuple) and len(wrapped) == 3:
        cause = wrapped[1]
    if type(error).__name__ == "ConftestImportFailure" and isinstance(cause, BaseException):
        return cause
    if type(error).__name__ == "CollectError" and error.__cause__ is not None:
        return error.__cause__
    return error
