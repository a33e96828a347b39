"""Facts about a repository, none of whose configuration is ever run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import git

pytestmark = pytest.mark.usefixtures("git_identity")


def run(path: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    (path / "src").mkdir(parents=True)
    run(path, "init", "-q", "-b", "trunk")
    (path / "src" / "a b.py").write_text("x = 1\n")
    (path / ".gitignore").write_text("build/\n*.log\n")
    run(path, "add", ".")
    run(path, "commit", "-q", "-m", "first")
    return path


def test_tells_head_branch_tracked_ignored_and_recency(repository: Path) -> None:
    (repository / "build").mkdir()
    (repository / "build" / "x").touch()
    (repository / "y.log").touch()
    head = run(repository, "rev-parse", "HEAD")
    assert git.facts(repository) == git.GitFacts(True, head, "trunk")
    assert git.tracked_files(repository) == (".gitignore", "src/a b.py")
    assert git.ignored_files(repository) == ("build/", "y.log")
    when = int(run(repository, "log", "-1", "--format=%ct"))
    assert git.last_changed(repository) == {".gitignore": when, "src/a b.py": when}
    assert git.last_changed(repository / "src") == {"a b.py": when}


def test_no_repository_no_commit_and_a_detached_head_are_no_errors(
    tmp_path: Path, repository: Path
) -> None:
    assert git.facts(tmp_path) == git.GitFacts(False)
    assert git.last_changed(tmp_path) == {}
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "init", "-q", "-b", "trunk")
    assert git.facts(empty) == git.GitFacts(True, "", "trunk")
    assert git.last_changed(empty) == {}
    run(repository, "checkout", "-q", "--detach")
    assert git.facts(repository).branch == ""


def look_at(repository: Path) -> None:
    git.facts(repository)
    git.tracked_files(repository)
    git.ignored_files(repository)
    git.last_changed(repository)


def trap(repository: Path, kind: str, program: Path) -> None:
    """Make `program` run on some innocent git command in `repository`."""
    settings = {
        "fsmonitor": [("core.fsmonitor", str(program))],
        "pager": [("core.pager", str(program)), ("pager.log", str(program))],
        "alias": [("alias.ls-files", f"!{program}"), ("alias.rev-parse", f"!{program}")],
        "external diff": [("diff.external", str(program))],
        "textconv": [("diff.evil.textconv", str(program)), ("diff.evil.command", str(program))],
        "filter": [
            ("filter.evil.clean", str(program)),
            ("filter.evil.smudge", str(program)),
            ("filter.evil.process", str(program)),
        ],
        "signature": [("log.showSignature", "true"), ("gpg.program", str(program))],
        "fetch": [
            ("remote.origin.url", f"ext::{program}"),
            ("remote.origin.promisor", "true"),
            ("extensions.partialClone", "origin"),
            ("protocol.ext.allow", "always"),
        ],
        "hooks": [("core.hooksPath", str(program.parent))],
    }[kind]
    for key, value in settings:
        run(repository, "config", key, value)
    (repository / ".gitattributes").write_text("* diff=evil filter=evil\n")
    (repository / "src" / "a b.py").write_text("x = 2\n")


TRAPS = {
    "fsmonitor": ["status"],
    "pager": ["-p", "log"],
    "external diff": ["diff"],
    "textconv": ["diff"],
    "filter": ["add", "src"],
    "alias": [],
    "signature": [],
    "fetch": ["fetch"],
    "hooks": ["commit", "-q", "--allow-empty", "-m", "x"],
}


@pytest.mark.parametrize("kind", TRAPS)
def test_configuration_of_the_repository_runs_nothing(
    repository: Path, tmp_path: Path, kind: str
) -> None:
    fired = tmp_path / "fired"
    program = tmp_path / "hooks" / "pre-commit"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{fired}'\n")
    program.chmod(0o755)
    trap(repository, kind, program)
    look_at(repository)
    assert not fired.exists()
    if TRAPS[kind]:  # the positive control: plain git does run it
        command = ["git", *TRAPS[kind]]
        if kind == "pager":
            command = ["script", "-qec", " ".join(command), "/dev/null"]
        subprocess.run(
            command, cwd=repository, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        assert fired.exists()


def test_a_repository_of_somebody_else_and_a_git_file_are_read(
    repository: Path, tmp_path: Path
) -> None:
    run(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    assert git.facts(tmp_path / "tree").branch == "side"
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / ".git").write_text("gitdir: /nonexistent\n")
    assert git.facts(tmp_path / "odd") == git.GitFacts(False)
