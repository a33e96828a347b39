"""Find out how a repository's tests are run, from its files alone: nothing is executed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tools.errors import NoTests
from tools.testing.command import plan_for_command
from tools.testing.plan import TestPlan
from tools.testing.plans import pytest_plan, unittest_plan
from tools.testing.settings import PytestSettings, read_settings
from tools.testing.testfiles import TestFiles, find_test_files


def detect(
    root: Path,
    test_command: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> TestPlan:
    """How the tests of the repository at `root` are run.

    `test_command` is what the user typed; it is split as a shell would, but no shell runs it.
    `environment` is where active virtual environments and PATH are looked up, by default this
    process's own. Raises `NoTests` with one sentence.
    """
    root = root.resolve()
    environment = os.environ if environment is None else environment
    settings = read_settings(root)
    if test_command is not None:
        return plan_for_command(root, test_command, environment, settings)
    files = find_test_files(root, settings.python_files)
    if not files.paths and not _tests_elsewhere(settings):
        raise NoTests(
            f"No tests were found in {root} (files named test_*.py or *_test.py): "
            "name the command that runs them with --test-cmd."
        )
    if _wants_pytest(settings, files):
        reason = f"pytest: {_why_pytest(settings, files)}; {_found(files)}"
        return pytest_plan(root, environment, settings, (), reason)
    reason = f"unittest: only unittest test cases, nothing asks for pytest; {_found(files)}"
    return unittest_plan(root, environment, files.paths, (), reason)


def _why_pytest(settings: PytestSettings, files: TestFiles) -> str:
    if settings.file:
        return f"it is configured in {settings.file}"
    return "there is a conftest.py" if files.has_conftest else "the tests are written for it"


def _tests_elsewhere(settings: PytestSettings) -> bool:
    return any(word.startswith(("--doctest", "--pyargs")) for word in settings.addopts)


def _wants_pytest(settings: PytestSettings, files: TestFiles) -> bool:
    if settings.file or files.has_conftest or files.pytest_style:
        return True
    return not files.unittest_style


def _found(files: TestFiles) -> str:
    examples = ", ".join(files.paths[:3]) + (", …" if len(files.paths) > 3 else "")
    number = len(files.paths)
    return f"{number} test file{'' if number == 1 else 's'} ({examples})"
