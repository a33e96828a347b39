"""Failures of the machine are told from failures of the code by their words alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import environment
from tools.report import Frame, Outcome, TestResult

TIMED = "    took = time.perf_counter() - started\n>   assert took < 1.0"
RAN = 'File "/usr/lib/python3.11/subprocess.py", line 1901, in _execute_child'


def failing(message: str, traceback: str = "") -> TestResult:
    return TestResult(
        id="test_x.py::test_a", outcome=Outcome.FAILED, message=message, traceback=traceback
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ours").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "single.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("message", "traceback", "told"),
    [
        ("ModuleNotFoundError: No module named 'black'", "", "`black` is not installed"),
        ("ModuleNotFoundError: No module named 'a.b'", "", "`a.b` is not installed"),
        (
            "ImportError: cannot import name 'x' from 'y' (/v/site-packages/y/__init__.py)",
            "",
            "another version",
        ),
        ("importlib.metadata.PackageNotFoundError: No package metadata", "", "metadata"),
        ("_pytest.fixtures.FixtureLookupError: ('benchmark', <X>)", "", "`benchmark`"),
        ("pytest.PytestRemovedIn10Warning: deprecated", "", "version of pytest"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "", "network"),
        (
            "subprocess.CalledProcessError: Command '['git', 'clone', 'https://x.org/y']' failed",
            "",
            "network",
        ),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'black'", RAN, "`black`"),
        ("AssertionError: 1.1959 not less than 1.0", TIMED, "measures time"),
        ("AssertionError: assert 1.2e-05 < 1e-05", TIMED, "measures time"),
        ("AssertionError: assert (1.25 - 0.5) <= 0.7", TIMED, "measures time"),
    ],
)
def test_what_the_machine_lacks_is_named(
    root: Path, message: str, traceback: str, told: str
) -> None:
    assert told in environment.reason(failing(message, traceback), root)


@pytest.mark.parametrize(
    "message",
    [
        "ModuleNotFoundError: No module named 'ours.gone'",
        "ModuleNotFoundError: No module named 'single'",
        "ImportError: cannot import name 'x' from 'ours' (/work/ours/__init__.py)",
        "FileNotFoundError: [Errno 2] No such file or directory: 'black'",
        "subprocess.CalledProcessError: Command '['python', '-m', 'ours']' failed",
        "AssertionError: assert 1 == 2",
        "",
    ],
)
def test_other_failures_are_the_codes(root: Path, message: str) -> None:
    assert environment.reason(failing(message), root) == ""


@pytest.mark.parametrize(
    ("function", "path", "doubtful"),
    [
        ("wait_ready", "tests/conftest.py", True),
        ("wait_ready", "tests/test_x.py", False),
        ("wait_ready", "server.py", False),
        ("select", "tests/test_x.py", False),
    ],
)
def test_what_sleeps_in_a_loop_of_a_conftest_waits_for_the_machine(
    root: Path, function: str, path: str, doubtful: bool
) -> None:
    frames = (
        Frame(path="tests/test_x.py", line=3, function="test_a"),
        Frame(path=path, line=9, function="wait_ready"),
    )
    stopped = TestResult(
        id="tests/test_x.py::test_a",
        outcome=Outcome.FAILED,
        message=f"TestTimeout: still running after 6 seconds, waiting in {function}",
        path="tests/test_x.py",
        frames=frames,
    )
    assert bool(environment.reason(stopped, root)) is doubtful
    caught = Frame(path="tests/conftest.py", line=5, function="request")
    chained = stopped.model_copy(update={"frames": (*frames, caught)})
    assert bool(environment.reason(chained, root)) is doubtful
    computing = stopped.model_copy(update={"message": "TestTimeout: still running after 6 seconds"})
    assert environment.reason(computing, root) == ""


def test_what_a_stopped_test_left_behind_is_not_the_codes(root: Path) -> None:
    trace = "/v/site-packages/_pytest/fixtures.py:1290: AssertionError"
    assert "disorder" in environment.reason(failing("AssertionError", trace), root)
    assert environment.reason(failing("AssertionError", "tests/a.py:3: AssertionError"), root) == ""


def test_what_is_wrong_in_a_test_that_measures_time_is_the_codes(root: Path) -> None:
    for message in ("AssertionError: assert 3 == 2", "AssertionError: assert 'a' < 'A'"):
        assert environment.reason(failing(message, TIMED), root) == ""
    assert environment.reason(failing("AssertionError: assert 3 < 2", "x < 2"), root) == ""
