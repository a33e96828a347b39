from collections.abc import Callable
from pathlib import Path

import pytest

from tasklist.cli import main

Tasks = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tasks:
    """Runs a command on a fresh list; gives its exit status and what it printed."""

    def run(*arguments: str) -> tuple[int, list[str]]:
        options = ["--file", str(tmp_path / "tasks.json"), "--today", "2024-05-10"]
        status = main([*options, *arguments])
        captured = capsys.readouterr()
        return status, (captured.out + captured.err).splitlines()

    return run
