"""Failures that the machine explains better than the code: nothing that an edit here can mend."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from tools.report import TestResult
from tools.text import one_line

_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_IMPORT = re.compile(r"ImportError: cannot import name .*\(.*[/\\](?:site|dist)-packages[/\\]")
_FIXTURE = re.compile(r"FixtureLookupError: \('(\w+)'")
_OTHER_PYTEST = re.compile(r"(?:_?pytest\.[\w.]*)?PytestRemovedIn\d+Warning\b")
_METADATA = re.compile(r"\b(?:PackageNotFoundError|DistributionNotFound)\b")
_NETWORK = re.compile(
    r"\b(?:gaierror|NameResolutionError|ConnectError|URLError|MaxRetryError)\b"
    r"|Network is unreachable|name resolution|Name or service not known"
    r"|CalledProcessError: .*\bhttps?://"
)
_PROGRAM = re.compile(r"FileNotFoundError: \[Errno 2\] No such file or directory: '([\w.+-]+)'")
_STARTS_PROGRAMS = re.compile(r"\bsubprocess\.py\b|\b_execute_child\b|\bcreate_subprocess")
_LOCALE = re.compile(
    r"locale\.Error: unsupported locale|ZoneInfoNotFoundError|UnknownTimeZoneError"
)
_WAITING = re.compile(r"TestTimeout: .*, waiting in (\w+)$")
_TOO_LONG = re.compile(r"AssertionError: (?:assert )?[\d.e()*/ +-]+ (?:<=?|not less than) ")
_TIMED = re.compile(r"\b(?:perf_counter|process_time|monotonic)(?:_ns)?\(|\btime\.time\(")
_DISORDER = re.compile(r"/_pytest/fixtures\.py:\d+: AssertionError")


def reason(test: TestResult, root: Path) -> str:
    """What the machine, and not the code at `root`, seems to lack; empty for other failures.

    It is a guess from the error's text: `import jsn` for `json` looks just like a package that
    is not installed.
    """
    text = test.message
    if waits_by_itself(test):
        return "the tests wait for what never comes, such as a server that cannot start here"
    if _DISORDER.search(test.traceback):
        return "a test that was stopped left a fixture in disorder"
    if missing := _MISSING.search(text):
        module = missing.group(1)
        return "" if _is_ours(module, root) else f"the module `{module}` is not installed"
    if _TOO_LONG.match(text) and _TIMED.search(test.traceback):
        return "a test measures time, and this machine may be slow"
    if _IMPORT.search(text):
        return "an installed package has another version than the code expects"
    if _METADATA.search(text):
        return "the metadata of a package is not installed"
    if fixture := _FIXTURE.search(text):
        return f"no plugin that is installed has the fixture `{fixture.group(1)}`"
    if _OTHER_PYTEST.match(text):
        return "the tests are written for another version of pytest"
    if _NETWORK.search(text):
        return "there is no network"
    program = _PROGRAM.search(text)
    if program and _STARTS_PROGRAMS.search(test.traceback):
        return f"the program `{one_line(program.group(1), 60)}` is not installed"
    return "a locale or time zone is not installed" if _LOCALE.search(text) else ""


def waits_by_itself(test: TestResult) -> bool:
    """Whether it was stopped in a loop of a conftest that looks for something and sleeps.

    A test that does the same by itself may wait for what the code under test never does. Behind
    the frame that sleeps stand those of the error that the loop caught, if it did.
    """
    waiting = _WAITING.match(test.message)
    return waiting is not None and any(
        PurePosixPath(frame.path).name == "conftest.py" and frame.function == waiting.group(1)
        for frame in test.frames
    )


def _is_ours(module: str, root: Path) -> bool:
    """Whether the first part of a dotted name is a module or package of the repository."""
    name = module.partition(".")[0]
    places = [root, root / "src", root / "lib", root / "tests", root / "test"]
    return any((place / name).is_dir() or (place / f"{name}.py").is_file() for place in places)
