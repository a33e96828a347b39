"""The test command that a user gives instead of detection."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import ToolsError
from tools.testing.interpreter import Interpreter, at, base_prefix, candidates
from tools.testing.plan import TestPlan
from tools.testing.plans import pytest_plan, unittest_plan, variables
from tools.testing.settings import PytestSettings
from tools.testing.testfiles import find_test_files

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_PYTHON = re.compile(r"(.*/)?python(3(\.\d+)?)?")
_PYTEST = re.compile(r"(.*/)?(pytest|py\.test)")


def plan_for_command(
    root: Path, text: str, environment: Mapping[str, str], settings: PytestSettings
) -> TestPlan:
    """A plan for what the user typed; pytest and unittest commands run in the worker.

    Variables may be set in front (`DEBUG=1 pytest`). Raises `ToolsError` for what is no command.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ToolsError(f"The test command {text!r} cannot be split: {error}.") from error
    assigned: dict[str, str] = {}
    while words and _ASSIGNMENT.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        assigned[name] = value
    if not words:
        raise ToolsError(
            "The test command is empty: name a program, as in --test-cmd 'pytest -k x'."
        )
    plan = _worker_plan(root, words, environment, settings) or _plain_plan(root, words, environment)
    return plan.model_copy(update={"environment": {**plan.environment, **assigned}})


def _worker_plan(
    root: Path, words: Sequence[str], environment: Mapping[str, str], settings: PytestSettings
) -> TestPlan | None:
    reason = f"the given command: {shlex.join(words)}"
    if _PYTEST.fullmatch(words[0]):
        module, rest = "pytest", list(words[1:])
        named = words[0].rpartition("/")[0]
        python = f"{named}/python" if named else "python"
    elif _PYTHON.fullmatch(words[0]) and words[1:2] == ["-m"] and len(words) > 2:
        python, module, rest = words[0], words[2], list(words[3:])
    else:
        return None
    interpreter = None
    if "/" in python:
        interpreter = at(root / python)
        if interpreter is None or not interpreter.usable:
            return None
    if module == "pytest":
        if interpreter is not None and not interpreter.has("pytest"):
            return None
        return pytest_plan(root, environment, settings, rest, reason, interpreter)
    if module == "unittest":
        return _unittest_plan(root, environment, rest, reason, interpreter)
    return None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ValueError(message)


def _unittest_plan(
    root: Path,
    environment: Mapping[str, str],
    words: list[str],
    reason: str,
    interpreter: Interpreter | None,
) -> TestPlan | None:
    parser = _Parser(add_help=False)
    for flag in ("-v", "-q", "-b", "-f", "-c", "--verbose", "--quiet", "--buffer", "--failfast"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-s", "--start-directory", default=".")
    parser.add_argument("-p", "--pattern", default="test*.py")
    parser.add_argument("-t", "--top-level-directory")
    parser.add_argument("names", nargs="*")
    try:
        given = parser.parse_args(words)
    except ValueError:
        return None  # more than the worker does: it runs as any other command
    names: list[str] = given.names
    if names[:1] == ["discover"]:
        start, *others = [*names[1:], given.start_directory][:3]
        pattern = others[0] if len(names) > 2 else given.pattern
        top = given.top_level_directory or start
        starts = [(Path(start).as_posix(), Path(top).as_posix())]
        return unittest_plan(
            root, environment, (), words, reason, interpreter, starts=starts, pattern=pattern
        )
    files = () if names else find_test_files(root).paths
    return unittest_plan(root, environment, files, words, reason, interpreter, names=names)


def _plain_plan(root: Path, words: Sequence[str], environment: Mapping[str, str]) -> TestPlan:
    interpreter = next(iter(candidates(root, environment)))
    prefix = base_prefix(interpreter.python)
    visible = [interpreter.python.parent.parent, *([prefix] if prefix is not None else [])]
    return TestPlan(
        kind="command",
        argv=tuple(words),
        reasons=(f"the given command, judged by its exit status: {shlex.join(words)}",),
        environment=variables(interpreter),
        origin=str(root),
        readable=tuple(dict.fromkeys(str(path) for path in visible)),
    )
