"""Test plans for pytest and unittest, made from what detection found."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from tools.testing.interpreter import Interpreter, candidates, ours
from tools.testing.plan import TestPlan
from tools.testing.settings import PytestSettings, sort_options

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_UNITTEST_PATTERNS = ("test*.py", "*_test.py", "*test*.py")

_NOT_OURS = ("-p", "no:langsmith_plugin", "-p", "no:schemathesis")
"""Plugins that only our own dependencies, or those for developing us, bring along: importing them
takes a second or two in each process that runs tests."""


def pytest_plan(
    root: Path,
    environment: Mapping[str, str],
    settings: PytestSettings,
    words: Sequence[str],
    reason: str,
    interpreter: Interpreter | None = None,
) -> TestPlan:
    """pytest with the command line `words`, under the best interpreter that has it."""
    reasons = [reason]
    if interpreter is None:
        interpreter = choose(root, environment, "pytest", reasons)
    if settings.problem:
        reasons.append(settings.problem)
    given, configured = (sort_options(listed, root) for listed in (words, settings.addopts))
    arguments = list(given.kept)
    if interpreter.python == ours().python:
        arguments += _NOT_OURS
    if configured.left_out or configured.targets:
        arguments += ["-o", "addopts=" + shlex.join(configured.kept)]
    left_out = [*given.left_out, *configured.left_out]
    if left_out:
        reasons.append(f"left out, for every test is run and reported singly: {' '.join(left_out)}")
    return TestPlan(
        kind="pytest",
        python=str(interpreter.python),
        argv=("python", "-m", "pytest", *words),
        reasons=tuple(reasons),
        environment=variables(interpreter),
        origin=str(root),
        arguments=tuple(arguments),
        targets=tuple(given.targets or configured.targets),
    )


def unittest_plan(
    root: Path,
    environment: Mapping[str, str],
    files: Sequence[str],
    words: Sequence[str],
    reason: str,
    interpreter: Interpreter | None = None,
    *,
    names: Sequence[str] = (),
    starts: Sequence[tuple[str, str]] = (),
    pattern: str = "",
) -> TestPlan:
    """unittest for `names`, or by discovery from `starts`, or from where `files` are."""
    reasons = [reason]
    if interpreter is None:
        interpreter = choose(root, environment, "", reasons)
    if not pattern:
        matching = (p for p in _UNITTEST_PATTERNS if any(_matches(path, p) for path in files))
        pattern = next(matching, _UNITTEST_PATTERNS[0])
    if not starts:
        tops = dict.fromkeys(_top(root, path) for path in files if _matches(path, pattern))
        starts = [(top, top) for top in tops] or [(".", ".")]
    return TestPlan(
        kind="unittest",
        python=str(interpreter.python),
        argv=("python", "-m", "unittest", *words),
        reasons=tuple(reasons),
        environment=variables(interpreter),
        origin=str(root),
        targets=tuple(names),
        starts=tuple(starts),
        pattern=pattern,
    )


def choose(
    root: Path, environment: Mapping[str, str], package: str, reasons: list[str]
) -> Interpreter:
    """The best interpreter that has `package`; adds to `reasons` why better ones were not it."""
    for interpreter in candidates(root, environment):
        if not interpreter.usable:
            reasons.append(f"{interpreter.where} is older than Python 3.8")
        elif package and not interpreter.has(package):
            reasons.append(f"{interpreter.where} has no {package}")
        else:
            reasons.append(f"run by {interpreter.where}: {interpreter.python}")
            return interpreter
    raise AssertionError("our own interpreter is always usable")


def variables(interpreter: Interpreter) -> dict[str, str]:
    """PATH with the interpreter's programs first, and its virtual environment if it is one."""
    folder = interpreter.python.parent
    found = {"PATH": f"{folder}{os.pathsep}{_SYSTEM_PATH}"}
    if (folder.parent / "pyvenv.cfg").is_file():
        found["VIRTUAL_ENV"] = str(folder.parent)
    return found


def _matches(path: str, pattern: str) -> bool:
    return fnmatch(path.rpartition("/")[2], pattern)


def _top(root: Path, path: str) -> str:
    """The directory that a test file is imported from: the first without `__init__.py`."""
    folder = (root / path).parent
    while folder != root and (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder.relative_to(root).as_posix()
