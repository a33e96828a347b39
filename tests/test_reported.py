"""Bugs that only a report tells of, mended with the real model in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from reported import REPORTED
from suite import run_suite


def hidden_holds(statements: str, repository: Path) -> bool:
    command = [sys.executable, "-c", statements]
    done = subprocess.run(command, cwd=repository, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("name", REPORTED)
def test_each_bug_is_there_and_no_test_sees_it(name: str, tmp_path: Path) -> None:
    repository = REPORTED[name].build(tmp_path / name)
    assert not hidden_holds(REPORTED[name].hidden, repository)
    assert run_suite(repository).returncode == 0


@pytest.mark.model
@pytest.mark.slow
def test_the_report_is_reproduced_and_the_bug_mended(
    tmp_path: Path, model_file: Callable[[str], Path]
) -> None:
    assert model_file("qwen2.5-coder-1.5b").is_file()
    case = REPORTED["prices"]
    repository = case.build(tmp_path / "shop")
    assert not hidden_holds(case.hidden, repository), "positive control: the bug is there"
    (tmp_path / "issue.md").write_text(case.issue)
    before = {p: p.read_bytes() for p in repository.rglob("test_*.py")}
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    options = ["--issue", str(tmp_path / "issue.md"), "--json", str(tmp_path / "r.json")]
    done = subprocess.run(
        [sys.executable, "-m", "agent", "fix", str(repository), "--yes", *options],
        env=environment | {"LOCUM_STATE": str(tmp_path / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert hidden_holds(case.hidden, repository)
    report = json.loads((tmp_path / "r.json").read_text())
    new = repository / report["reproduction"]["path"]
    assert report["reproduction"]["kept"]
    assert new.is_file()
    assert new not in before
    assert {p: p.read_bytes() for p in before} == before
    assert "written by the model from the report" in done.stdout
