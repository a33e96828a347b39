"""Sending a branch: the user's settings count, the repository's do not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import publish
from tools.publish import NotPublished, Remote

pytestmark = pytest.mark.usefixtures("git_identity")


def git(path: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "trunk")
    git(root, "commit", "-q", "--allow-empty", "-m", "one")
    git(root, "commit", "-q", "--allow-empty", "-m", "two")
    return root


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    return tmp_path / "remote.git"


@pytest.mark.parametrize(
    ("url", "host", "project"),
    [
        ("https://forge.example/a/b.git", "forge.example", "a/b"),
        ("https://me:secret@forge.example/a/b", "forge.example", "a/b"),
        ("ssh://git@forge.example:22/group/sub/b.git", "forge.example", "group/sub/b"),
        ("git@forge.example:a/b.git", "forge.example", "a/b"),
        ("/srv/git/b.git", "", ""),
        ("file:///srv/git/b.git", "", ""),
    ],
)
def test_addresses(repo: Path, url: str, host: str, project: str) -> None:
    assert publish.remote(repo) is None
    git(repo, "remote", "add", "origin", url)
    found = publish.remote(repo)
    assert found == Remote(url, host, project)
    assert "secret" not in found.shown


@pytest.mark.parametrize(
    "url", ["ext::sh -c evil", "-u evil", "fd::3", "git://forge.example/a", "http://forge/a/b", "x"]
)
def test_addresses_that_start_a_program_or_are_open_are_refused(repo: Path, url: str) -> None:
    git(repo, "config", "remote.origin.url", url)
    with pytest.raises(NotPublished):
        publish.remote(repo)


def test_neither_hooks_nor_programs_of_the_repository_take_part(
    repo: Path, bare: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\ntouch "{said}"\nexit 1\n')
    program.chmod(0o755)
    (repo / ".git/hooks/pre-push").symlink_to(program)
    git(repo, "remote", "add", "origin", str(bare))
    for key in ("core.sshCommand", "core.fsmonitor", "remote.origin.receivepack"):
        git(repo, "config", key, str(program))
    commit = git(repo, "rev-parse", "HEAD")
    publish.push(repo, commit, "fix", Remote(str(bare)))
    assert git(bare, "rev-parse", "fix") == commit
    assert not said.exists()
    plain = subprocess.run(["git", "push", "origin", "trunk"], cwd=repo, capture_output=True)
    assert plain.returncode != 0
    assert said.exists(), "positive control"


def test_a_branch_that_the_remote_has_is_not_moved(repo: Path, bare: Path) -> None:
    publish.push(repo, git(repo, "rev-parse", "HEAD~1"), "fix", Remote(str(bare)))
    with pytest.raises(NotPublished, match="could not push fix"):
        publish.push(repo, git(repo, "rev-parse", "HEAD"), "fix", Remote(str(bare)))
    assert git(bare, "rev-parse", "fix") == git(repo, "rev-parse", "HEAD~1")


def test_from_a_shallow_clone(repo: Path, bare: Path, tmp_path: Path) -> None:
    git(repo, "push", "-q", str(bare), "trunk")
    git(tmp_path, "clone", "-q", "--depth=1", "-b", "trunk", f"file://{bare}", "shallow")
    shallow = tmp_path / "shallow"
    git(shallow, "commit", "-q", "--allow-empty", "-m", "three")
    publish.push(shallow, git(shallow, "rev-parse", "HEAD"), "fix", Remote(f"file://{bare}"))
    assert git(bare, "log", "--format=%s", "fix").split() == ["three", "two", "one"]
