"""Run pytest in the child."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

import pytest
from _pytest.config import ConftestImportFailure, _prepareconfig

from .channel import Channel
from .clock import Clock
from .coverage import Coverage
from .reporter import Reporter, origin
from .repository import Repository
from .selection import Selection
from .shortcuts import Shortcuts

USAGE_ERROR = 4


def version() -> tuple[int, ...]:
    parts = pytest.__version__.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())


def preload(arguments: list[str]) -> Shortcuts:
    """Import pytest's own modules, and do what every start of pytest does alike."""
    from _pytest.config import default_plugins

    for name in default_plugins:
        importlib.import_module("_pytest." + name)
    return Shortcuts(arguments + _EXCLUDED)


_EXCLUDED = ["-p", "no:pastebin", "-p", "no:randomly"]


def own_options(root: str) -> list[str]:
    """Options of every run: nothing written into the tree, no terminal decoration."""
    scratch = os.environ["TMPDIR"]
    options = ["--rootdir=" + root, "--basetemp=" + os.path.join(scratch, "t")]
    options += ["-o", "cache_dir=" + os.path.join(scratch, "c")]
    options += ["-q", "--continue-on-collection-errors", "--color=no", *_EXCLUDED]
    if version() >= (6, 2):
        options += ["--no-header", "--no-summary"]
    return options


class PytestRun:
    """One run: `ids` None means everything that `paths` (or the configuration) names."""

    def __init__(
        self,
        root: str,
        shortcuts: Shortcuts,
        arguments: list[str],
        paths: list[str],
        ids: list[str] | None,
    ) -> None:
        self._shortcuts = shortcuts
        self.root = root
        self.arguments = arguments
        self.paths = paths
        self.selection = None if ids is None else Selection(root, ids)

    def run(
        self,
        channel: Channel,
        repository: Repository,
        clock: Clock,
        coverage: Coverage | None,
        skip: set[str],
        whole_files: bool,
        plain_options: bool,
        brief: bool,
    ) -> tuple[int, bool]:
        """Exit code, and whether pytest got as far as its session."""
        reporter = Reporter(channel, repository, clock, coverage, self.selection, skip, brief)
        arguments = [*self.arguments, *own_options(self.root)]
        if plain_options:
            arguments += ["-o", "addopts=", "-o", "required_plugins="]
        arguments += self._targets(whole_files)
        os.environ["PYTEST_VERSION"] = pytest.__version__
        sys.argv[:] = [os.path.join(os.path.dirname(pytest.__file__), "__main__.py"), *arguments]
        try:
            with self._shortcuts:
                config = _prepareconfig(arguments, [reporter])
        except ConftestImportFailure as error:
            reporter.collection_error(str(error.path), origin(error))
            return USAGE_ERROR, True
        except Exception as error:  # a plugin that is named but missing raises anything
            print("ERROR:", *error.args, file=sys.stderr)
            return USAGE_ERROR, False
        try:
            code = int(config.hook.pytest_cmdline_main(config=config))
        except pytest.UsageError as error:
            print("ERROR:", *error.args, file=sys.stderr)
            code = USAGE_ERROR
        except Exception as error:
            if not reporter.session_started:
                raise
            # As pytest puts away what it set up: with warnings as errors for what a stopped test
            # left open, say. All results are told by then.
            traceback.print_exc()
            channel.send("problem", text="pytest broke off behind the last test: %r" % (error,))
            code = 1
        finally:
            config._ensure_unconfigure()
        return code, reporter.session_started

    def _targets(self, whole_files: bool) -> list[str]:
        if self.selection is None:
            return self.paths
        return self.selection.files if whole_files else self.selection.arguments
