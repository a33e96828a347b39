"""The forked child: one run of some tests in a process that ends with it."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import tempfile
from typing import Any, NoReturn

from .channel import Channel
from .clock import Clock
from .codecache import CodeCache
from .coverage import Coverage
from .explaining import ignore_explanations
from .repository import Repository
from .values import Values

KEPT = {"pytest", "_pytest", "_locum_worker"}
"""What runs the tests, and could not be changed for another copy under way."""


class Order:
    """What one child is asked to do; see `zygote.Zygote.run` for the fields."""

    def __init__(self, command: dict[str, Any], seconds: float, skip: set[str]) -> None:
        self.ids: list[str] | None = command.get("ids")
        self.seconds = seconds
        self.test_seconds: float | None = command.get("test_seconds")
        self.own_seconds: float | None = command.get("own_seconds")
        self.coverage: bool = command.get("coverage", False)
        self.stop_at_first: bool = command.get("stop_at_first", False)
        self.brief: bool = command.get("brief", False)
        self.report_modules: bool = command.get("report_modules", False)
        self.memory: int | None = command.get("memory")
        self.seed: int = command.get("seed", 0)
        self.watch: dict[str, Any] | None = command.get("watch")
        self.skip = skip
        self.whole_files = False
        self.plain_options = False


class Child:
    """Lives in the fork only."""

    def __init__(
        self,
        settings: Any,
        order: Order,
        caches: list[CodeCache],
        shortcuts: Any,
        events: int,
        scratch: str,
    ) -> None:
        self._shortcuts = shortcuts
        self._settings = settings
        self._order = order
        self._caches = caches
        self._channel = Channel(events)
        self._scratch = scratch
        self._repository = Repository(settings.root)

    def main(self, output: int) -> NoReturn:
        """Run the tests; never returns, and runs no exit handlers of the zygote."""
        code = 70
        try:
            self._prepare(output)
            code = self._run()
        except BaseException as error:
            import traceback

            traceback.print_exc()
            self._channel.send("problem", text="the test run broke off: %r" % (error,))
        finally:
            _flush()
            os._exit(code & 0xFF)

    def _prepare(self, output: int) -> None:
        # Not the zygote's session: a test may signal its process group.
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._order.memory:
            _lower(resource.RLIMIT_AS, self._order.memory)
        _lower(resource.RLIMIT_CORE, 0)
        os.environ["TMPDIR"] = tempfile.tempdir = self._scratch
        _seed(self._order.seed)
        self._put_workspace_first()

    def _put_workspace_first(self) -> None:
        """The workspace is a copy: an installation that leads to the original must not win."""
        origin, root = self._settings.origin, self._settings.root
        sys.path[:] = [_moved(entry, origin, root) for entry in sys.path]
        for finder in sys.meta_path:
            module = sys.modules.get(getattr(finder, "__module__", ""))
            mapping = getattr(module, "MAPPING", None)
            if isinstance(mapping, dict):  # an editable installation by setuptools
                for name, place in mapping.items():
                    mapping[name] = _moved(place, origin, root)
        paths = self._settings.paths
        sys.path[:] = [*paths, *(entry for entry in sys.path if entry not in paths)]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        _forget_installed(paths, (root, origin))

    def _run(self) -> int:
        order = self._order
        coverage = Coverage(self._repository) if order.coverage else None
        clock = Clock(order.test_seconds, order.seconds, order.own_seconds)
        before = set(sys.modules)
        if coverage is not None:
            ignore_explanations(coverage)
            coverage.start()
        try:
            code, session = self._run_watched(clock, coverage)
        finally:
            if coverage is not None:
                coverage.stop()
        if coverage is not None:
            files = {path for path in self._test_files if path}
            self._channel.send("imports", **coverage.imported(files))
        if order.report_modules:
            self._channel.send("modules", names=self._foreign_modules(before))
        self._channel.send("compiled", paths=[cache.missed for cache in self._caches])
        _flush()
        self._channel.send(
            "exit",
            code=code,
            session=session,
            timed_out=clock.run_is_over,
            starved=clock.starved,
            memory=_most_memory(),
        )
        return code

    def _run_watched(self, clock: Clock, coverage: Coverage | None) -> tuple[int, bool]:
        """Run the tests; where one function is wanted, tell what it did."""
        if self._order.watch is None:
            return self._run_tests(clock, coverage)
        with Values(self._repository, self._order.watch) as values:
            ended = self._run_tests(clock, coverage)
        self._channel.send("values", **values.told())
        return ended

    def _run_tests(self, clock: Clock, coverage: Coverage | None) -> tuple[int, bool]:
        settings, order = self._settings, self._order
        channel = TestFileNotes(self._channel)
        self._test_files = channel.files
        if settings.kind == "unittest":
            from .with_unittest import Result, UnittestRun

            starts = [(start, top) for start, top in settings.starts]
            run = UnittestRun(starts, settings.pattern, settings.targets, order.ids)
            result = Result(channel, self._repository, clock, coverage, brief=order.brief)
            result.failfast = order.stop_at_first
            return run.run(channel, self._repository, result, order.skip), True
        from .with_pytest import PytestRun

        arguments = list(settings.arguments)
        if order.stop_at_first:
            arguments.append("--maxfail=1")
        if order.brief:
            # A traceback with its source lines costs more than the test that failed.
            arguments.append("--tb=line")
        return PytestRun(
            settings.root, self._shortcuts, arguments, settings.targets, order.ids
        ).run(
            channel,
            self._repository,
            clock,
            coverage,
            order.skip,
            order.whole_files,
            order.plain_options,
            order.brief,
        )

    def _foreign_modules(self, before: set[str]) -> list[str]:
        """Modules that the tests loaded from outside the repository, in order of loading."""
        names = []
        for name, module in list(sys.modules.items()):
            filename = getattr(module, "__file__", None)
            if name in before or not isinstance(filename, str) or name == "__main__":
                continue
            roots = (self._settings.root, self._settings.origin)
            if "site-packages" in filename or not _below(filename, roots):
                names.append(name)
        return names


class TestFileNotes(Channel):
    """A channel that remembers which test files it reported on."""

    __test__ = False

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel.descriptor)
        self.files: set[str] = set()

    def send(self, event: str, **fields: Any) -> None:
        if event == "result":
            self.files.add(fields["path"])
        super().send(event, **fields)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # a test replaced or closed it


def _most_memory() -> int:
    """Bytes that this process held at its peak."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _seed(seed: int) -> None:
    """The state inherited from the zygote would be another one in every session."""
    random.seed(seed)
    numbers = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed(seed % 2**32)


def _below(path: str, roots: Any) -> bool:
    return any(root and (path == root or path.startswith(root + os.sep)) for root in roots)


def _forget_installed(paths: list[str], roots: tuple[str, ...]) -> None:
    """Let the tests import what the workspace has itself, as `python -m pytest` would.

    pytest needs packaging, pluggy, pygments and others: where the repository is one of these, the
    zygote holds another copy. pytest goes on with that one.
    """
    for name in {full.partition(".")[0] for full in sys.modules} - KEPT:
        place = str(getattr(sys.modules.get(name), "__file__", None) or "")
        installed = "-packages" + os.sep in place or _below(place, roots)
        if installed and any(_has_module(path, name) for path in paths):
            for full in [n for n in sys.modules if n == name or n.startswith(name + ".")]:
                del sys.modules[full]


def _has_module(path: str, name: str) -> bool:
    place = os.path.join(path, name)
    return os.path.isfile(place + ".py") or os.path.isfile(os.path.join(place, "__init__.py"))


def _moved(entry: str, origin: str, root: str) -> str:
    """A path inside the original tree, as it is called in the workspace copy."""
    if not _below(entry, (origin,)) or "site-packages" in entry:
        return entry
    moved = root + entry[len(origin) :]
    return moved if os.path.exists(moved) else entry
