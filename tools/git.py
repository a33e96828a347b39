"""Facts about the user's git repository, by plumbing that runs nothing the repository names.

A repository's own configuration can make harmless commands start programs: fsmonitor on status,
filters and textconv wherever contents are compared, helpers when a missing object is fetched.
Only commands that compare no contents are used, with those doors shut besides.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from git import Repo, SymbolicReference
from git.exc import GitError

from tools.errors import ToolsError

_SECONDS = 20.0
_MOST_COMMITS = 500
_CLOSED_DOORS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.untrackedCache": "false",
    "core.splitIndex": "false",
    "i18n.commitEncoding": "UTF-8",
    "log.showSignature": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    # Read by another user, say root in a container; nothing of the repository is run anyway.
    "safe.directory": "*",
}


@dataclass(frozen=True)
class GitFacts:
    """What git knows of a directory; `head` is empty before the first commit."""

    is_repository: bool
    head: str = ""
    """Id of the checked-out commit."""
    branch: str = ""
    """Its branch, empty when detached."""


def facts(path: Path) -> GitFacts:
    """Facts about the repository that `path` is in; none of it is an error.

    GitPython reads HEAD and the refs as files: no program is started.
    """
    try:
        with Repo(path, search_parent_directories=True, expand_vars=False) as found:
            branch = "" if found.head.is_detached else found.head.reference.name
            return GitFacts(True, _commit(found), branch)
    except (GitError, OSError, ValueError):
        return GitFacts(is_repository=False)


def _commit(repository: Repo) -> str:
    try:
        return SymbolicReference.dereference_recursive(repository, "HEAD") or ""
    except ValueError:  # no commit yet
        return ""


def tracked_files(path: Path) -> tuple[str, ...]:
    """Files in the index beneath `path`, relative to it; empty if it is no repository."""
    return _names(plumbing(path, "ls-files", "-z", "--cached"))


def ignored_files(path: Path) -> tuple[str, ...]:
    """Untracked files and folders (with a slash) that .gitignore names, relative to `path`."""
    arguments = ("--others", "--ignored", "--exclude-standard", "--directory")
    return _names(plumbing(path, "ls-files", "-z", *arguments))


def last_changed(path: Path) -> dict[str, int]:
    """For each file that one of the last 500 commits touched: when, in Unix seconds.

    Paths are relative to `path`. Trees are compared by object id alone, never by content.
    """
    listed = plumbing(
        path, "rev-list", f"--max-count={_MOST_COMMITS}", "--no-commit-header", "--format=%H %ct",
        "HEAD",
    )  # fmt: skip
    prefix = (plumbing(path, "rev-parse", "--show-prefix") or b"").decode(errors="replace").strip()
    commits = dict(line.split() for line in (listed or b"").decode().splitlines())
    if not commits:
        return {}
    touched = plumbing(
        path, "diff-tree", "--stdin", "-r", "-z", "--root", "--name-only", "--no-renames",
        "--no-ext-diff", "--no-textconv", data="\n".join(commits).encode() + b"\n",
    )  # fmt: skip
    newest: dict[str, int] = {}
    when = 0
    for name in _names(touched):
        if name in commits:
            when = int(commits[name])
        elif name.startswith(prefix):
            newest.setdefault(name.removeprefix(prefix), when)
    return newest


def _names(output: bytes | None) -> tuple[str, ...]:
    pieces = (output or b"").split(b"\0")
    return tuple(piece.decode("utf-8", "surrogateescape") for piece in pieces if piece)


def version() -> str:
    """The installed git's version; raises `ToolsError` if there is none."""
    program = shutil.which("git")
    if program is None:
        raise ToolsError("git is not installed (package `git`).")
    done = subprocess.run(
        [program, "version"], capture_output=True, check=False, env=_environment()
    )
    return done.stdout.decode(errors="replace").strip().removeprefix("git version ")


def plumbing(
    path: Path, *arguments: str, data: bytes | None = None, extra: Mapping[str, str] | None = None
) -> bytes | None:
    """The output of a git command in `path`; None if it failed, took too long, or has no git.

    Only for commands that run nothing of the repository's; `extra` joins their environment.
    """
    program = shutil.which("git")
    if program is None:
        return None
    settings = [part for key, value in _CLOSED_DOORS.items() for part in ("-c", f"{key}={value}")]
    try:
        done = subprocess.run(
            [program, "--no-optional-locks", *settings, *arguments],
            cwd=path,
            env={**_environment(), **(extra or {})},
            input=data or b"",
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_PAGER": "cat",
    }
