"""A merge request on a GitLab: the same as a pull request, through `glab`."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from reports import report

from agent import pull_request
from agent.report import Report

pytestmark = pytest.mark.usefixtures("git_identity")
ADDRESS = "https://gitlab.example/team/calc.git"
TEXT = "# Fix larger\n\n`$(touch harm)`\n"


def git(path: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the user's git reaches under an address of a GitLab."""
    place = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(place))
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[url "{place}"]\n\tinsteadOf = {ADDRESS}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    return place


@pytest.fixture
def committed(tmp_path: Path, bare: Path) -> Report:
    """The report of a run that committed on the branch `fix`."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "trunk")
    git(root, "remote", "add", "origin", ADDRESS)
    git(root, "commit", "-q", "--allow-empty", "-m", "start")
    git(root, "push", "-q", "-u", "origin", "trunk")
    git(root, "commit", "-q", "--allow-empty", "-m", "fix")
    git(root, "branch", "fix")
    return report(
        path=str(root), branch="fix", commit=git(root, "rev-parse", "fix"),
        environment={"branch": "trunk"},
    )  # fmt: skip


@pytest.fixture
def body(tmp_path: Path) -> Path:
    file = tmp_path / "summary.md"
    file.write_text(TEXT)
    return file


def test_glab_opens_it_and_gets_the_summary(
    committed: Report, body: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "glab.log"
    (folder / "glab").write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" > {log}\necho '!7 https://gitlab.example/team/calc/-/7'\n"
    )
    (folder / "glab").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    said: list[str] = []
    proposed = pull_request.propose(committed, body, said.append)
    assert proposed.url == "https://gitlab.example/team/calc/-/7"
    words = log.read_text().split("\0")[:-1]
    assert words[:4] == ["mr", "create", "--repo", "https://gitlab.example/team/calc"]
    assert words[4:8] == ["--source-branch", "fix", "--target-branch", "trunk"]
    assert words[-3:] == ["--description", TEXT, "--yes"]
    assert git(bare, "rev-parse", "fix") == committed.commit
    assert said[-1] == "Opening a pull request with glab"


def test_without_glab_the_commands_are_told_and_can_be_typed(
    committed: Report, body: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.pull_request.shutil", SimpleNamespace(which=lambda _: None))
    proposed = pull_request.propose(committed, body, lambda _: None)
    assert proposed.why == "`glab` is not installed"
    assert git(bare, "branch", "--list", "fix") == "", "nothing was pushed"
    push, create = proposed.commands
    subprocess.run(shlex.split(push), check=True, capture_output=True)
    assert git(bare, "branch", "--list", "fix") != ""
    typed = subprocess.run(
        create.replace("glab", "printf '%s\\0'", 1), shell=True, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    assert typed[typed.index("--description") + 1] == TEXT.rstrip("\n")
    assert not (tmp_path / "harm").exists()
