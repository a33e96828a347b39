"""The process that stays: takes commands, forks a child for each run, and watches over it."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any

from . import reaper
from .channel import write_all
from .child import Child, Order
from .codecache import CodeCache, cache_imports, cache_rewritten
from .watch import Watch

MOST_CHILDREN = 5
"""Children that one run may use up, each crash or hang costing one."""


class Settings:
    """The first line that the host sends."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.kind: str = fields["kind"]
        """pytest or unittest."""
        self.root: str = fields["root"]
        self.origin: str = fields.get("origin", "")
        """The tree that `root` is a copy of."""
        self.paths: list[str] = fields.get("paths", [])
        """In front of sys.path in the child."""
        self.arguments: list[str] = fields.get("arguments", [])
        """pytest's options."""
        self.targets: list[str] = fields.get("targets", [])
        """What a run without ids runs: pytest's paths, unittest's names; empty for all."""
        self.starts: list[tuple[str, str]] = fields.get("starts", [])
        """unittest: directories to discover from, each with its top directory."""
        self.pattern: str = fields.get("pattern", "test*.py")


class Zygote:
    """Never imports a module of the repository."""

    def __init__(self, commands: int, replies: int, settings: Settings) -> None:
        self._commands = commands
        self._replies = replies
        self._settings = settings
        self._caches: list[CodeCache] = [cache_imports(settings.root)]
        self._shortcuts: Any = None
        self._plain_options = False
        self._count = 0
        self._scratch: list[str] = []
        if settings.kind == "pytest":
            from . import with_pytest

            self._shortcuts = with_pytest.preload(settings.arguments)
            rewritten = cache_rewritten(settings.root)
            if rewritten is not None:
                self._caches.append(rewritten)
        else:
            importlib.import_module("_locum_worker.with_unittest")

    def reply(self, **fields: Any) -> None:
        write_all(self._replies, b"z" + json.dumps(fields, separators=(",", ":")).encode() + b"\n")

    def preload(self, names: list[str]) -> None:
        """Import installed modules that the tests were seen to load, to share them by fork."""
        roots = (self._settings.root + os.sep, self._settings.origin + os.sep)
        before = set(sys.modules)
        for name in names:
            try:
                importlib.import_module(name)
            except BaseException:  # it may need what only the tests set up; they will import it
                continue
        for name in set(sys.modules) - before:
            path = str(getattr(sys.modules.get(name), "__file__", None) or "")
            if path.startswith(roots) and "site-packages" not in path:
                # An installed module imported the repository: it must be fresh in every child.
                del sys.modules[name]
        if self._shortcuts is not None:
            self._shortcuts.preloaded()
        self.reply(e="preloaded", n=len(set(sys.modules) - before))

    def run(self, command: dict[str, Any]) -> None:
        """One run, in as many children as crashes and hangs make necessary.

        Fields: `ids` (None for all), `seconds` for everything, `test_seconds` for each test or
        None, `own_seconds` of each test's own time or None, `coverage`, `stop_at_first`, `brief`,
        `report_modules`, `memory` (bytes), `seed`.
        """
        end = time.monotonic() + command["seconds"]
        skip: set[str] = set()
        notes: list[str] = []
        whole_files = False
        children = memory = 0
        starved = False
        while True:
            order = Order(command, end - time.monotonic(), skip)
            order.whole_files, order.plain_options = whole_files, self._plain_options
            watch = self._run_child(order)
            children += 1
            starved, memory = starved or watch.starved, max(memory, watch.memory)
            if not watch.ended:
                self._clear_away(watch)
            skip |= watch.reported
            if watch.exit_code == 4 and watch.session and order.ids and not whole_files:
                # One name that is gone makes pytest run none of the others.
                whole_files = True
                continue
            refused = watch.exit_code == 4 and not (watch.reported or watch.session)
            if refused and not self._plain_options:
                self._plain_options = True
                notes.append("pytest refused its configured options: " + watch.refusal())
                continue
            stop = watch.ended or watch.run_is_over or command.get("stop_at_first")
            if stop or not watch.interrupted or children >= MOST_CHILDREN:
                break
            if time.monotonic() >= end:
                break
        self.reply(
            e="end",
            code=watch.exit_code,
            signal=watch.signal,
            timed_out=watch.run_is_over,
            ended=watch.ended,
            culprit=watch.culprit,
            output=watch.output_text(),
            notes=notes,
            starved=starved,
            memory=memory,
        )
        self._clear_away(watch)
        for cache, missed in zip(self._caches, watch.compiled):
            cache.learn(missed, seconds=0.5)

    def _run_child(self, order: Order) -> Watch:
        self._count += 1
        scratch = os.path.join(tempfile.gettempdir(), "r%d" % self._count)
        os.mkdir(scratch)
        events_out, events_in = os.pipe()
        output_out, output_in = os.pipe()
        gc.freeze()
        child = os.fork()
        if child == 0:
            for descriptor in (self._commands, self._replies, events_out, output_out):
                os.close(descriptor)
            Child(self._settings, order, self._caches, self._shortcuts, events_in, scratch).main(
                output_in
            )
        os.close(events_in)
        os.close(output_in)
        watch = Watch(child, order, events_out, output_out, self._replies)
        try:
            watch.until_it_ends()
        finally:
            os.close(events_out)
            os.close(output_out)
        self._scratch.append(scratch)
        return watch

    def _clear_away(self, watch: Watch) -> None:
        """What the next run must not meet, done while the host reads the report of this one."""
        watch.clear_away()
        while self._scratch:
            _remove(self._scratch.pop())


def _remove(folder: str) -> None:
    # A thousand folders in each other are left to the sandbox, which removes all at its end.
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)


def _take_over_pipes() -> tuple[Any, int]:
    """Move the protocol away from stdin and stdout, where no test can meet it by accident."""
    import fcntl

    commands = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 200)
    replies = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 200)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return os.fdopen(commands, "rb"), replies


def main() -> None:
    """Serve commands until there are no more."""
    commands, replies = _take_over_pipes()
    sys.dont_write_bytecode = True
    scratch = tempfile.mkdtemp(prefix="w")
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    reaper.adopt_orphans()
    zygote: Zygote | None = None
    try:
        for line in commands:
            command = json.loads(line)
            if zygote is None:
                os.chdir(command["root"])
                zygote = Zygote(commands.fileno(), replies, Settings(command))
                zygote.reply(e="ready", python=list(sys.version_info[:3]))
            elif command["do"] == "preload":
                zygote.preload(command["modules"])
            elif command["do"] == "run":
                zygote.run(command)
    finally:
        _remove(scratch)
