"""Small repositories, and the sandboxes to run them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import NoSandbox, Sandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.testing import TestRunner, TestSession, detect

Write = Callable[[Mapping[str, str]], Path]
Open = Callable[..., TestSession]


@pytest.fixture
def repository(tmp_path: Path) -> Write:
    """Write files (dedented) into one repository; returns its root."""
    root = tmp_path / "repo"
    root.mkdir()

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return root

    return write


@pytest.fixture(scope="session", params=["bubblewrap", "none"])
def any_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox that tests run in, in turn."""
    if request.param == "none":
        return NoSandbox(allow_unsandboxed=True)
    try:
        return Bubblewrap()
    except SandboxUnavailable:
        pytest.skip("no bubblewrap on this machine")


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The best one that works here."""
    try:
        return Bubblewrap()
    except SandboxUnavailable:
        return NoSandbox(allow_unsandboxed=True)


@pytest.fixture
def runner(sandbox: Sandbox) -> Callable[..., TestRunner]:
    """A runner for a repository, found by detection."""

    def make(root: Path, command: str | None = None, timeout: float = 60) -> TestRunner:
        return TestRunner(detect(root, command), root, sandbox, timeout=timeout)

    return make


@pytest.fixture
def session(runner: Callable[..., TestRunner]) -> Iterator[Open]:
    """A session for a repository, closed at the end of the test."""
    opened: list[TestSession] = []

    def make(root: Path, command: str | None = None, timeout: float = 60) -> TestSession:
        opened.append(runner(root, command, timeout).session())
        return opened[-1]

    yield make
    for one in opened:
        one.close()
