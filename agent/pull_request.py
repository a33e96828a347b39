"""A pull request for a run's branch, through `gh` or `glab`; where neither is, how to open it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent import markdown
from agent.errors import Unusable
from agent.report import Report
from tools import publish
from tools.git import plumbing
from tools.publish import NotPublished, Remote
from tools.text import one_line, strip_control

_SECONDS = 300.0
_TITLE = 120
_TEXT = "\0text"
"""Stands for the text of the body in a command that takes it as a word."""


@dataclass(frozen=True)
class Proposed:
    url: str = ""
    """Of the pull request that was opened; empty when none was."""
    commands: tuple[str, ...] = ()
    """What to type to open it oneself, when no program for it is installed."""
    why: str = ""


def propose(report: Report, body: Path, say: Callable[[str], None]) -> Proposed:
    """Push the run's branch and open a pull request with the text of `body`.

    Without `gh` (or `glab`, for a GitLab) nothing leaves the machine and the commands are given.
    Raises Unusable when the run committed nothing, NotPublished when the remote or the program
    refuses.
    """
    if not report.commit:
        raise Unusable("The run committed nothing, so there is no pull request to open.")
    path = Path(report.path)
    remote = publish.remote(path)
    program = _program(remote)
    command = _command(program, report, body, remote, _base(path, report))
    pushing = ["git", "-C", report.path, "push", "origin", report.branch]
    found = shutil.which(program)
    if remote is None or not remote.host or found is None:
        why = f"`{program}` is not installed"
        if remote is None or not remote.host:
            why = "the remote `origin` is no forge" if remote else "there is no remote `origin`"
        return Proposed(commands=(shlex.join(pushing), _typed(command, body)), why=why)
    say(f"Pushing {report.branch} to {remote.shown}")
    publish.push(path, report.commit, report.branch, remote)
    say(f"Opening a pull request with {program}")
    text = strip_control(body.read_text("utf-8"))
    words = [text if word == _TEXT else word for word in command[1:]]
    return Proposed(url=_run([found, *words]))


def _program(remote: Remote | None) -> str:
    return "glab" if remote is not None and "gitlab" in remote.host else "gh"


def _command(
    program: str, report: Report, body: Path, remote: Remote | None, base: str
) -> list[str]:
    title = one_line(markdown.title(report), _TITLE)
    project = remote.project if remote is not None else ""
    host = remote.host if remote is not None else ""
    if program == "glab":
        where = ["--repo", f"https://{host}/{project}"] if project else []
        target = ["--target-branch", base] if base else []
        options = ["--source-branch", report.branch, *target, "--title", title]
        return ["glab", "mr", "create", *where, *options, "--description", _TEXT, "--yes"]
    where = ["--repo", f"{host}/{project}"] if project else []
    target = ["--base", base] if base else []
    options = ["--head", report.branch, *target, "--title", title, "--body-file", str(body)]
    return ["gh", "pr", "create", *where, *options]


def _base(path: Path, report: Report) -> str:
    """The branch that the user is on, if the remote has it; empty leaves it to the forge."""
    branch = str(report.environment.get("branch", ""))
    known = plumbing(path, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{branch}")
    return branch if branch and known is not None else ""


def _run(command: Sequence[str]) -> str:
    """The address that the program prints. It runs outside of the repository, for it calls git."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own |= {"GH_PROMPT_DISABLED": "1", "NO_COLOR": "1"}
    name = Path(command[0]).name
    try:
        with tempfile.TemporaryDirectory(prefix="locum-pr-") as folder:
            done = subprocess.run(
                command, cwd=folder, env=own, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=_SECONDS, check=False,
            )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotPublished(f"{name} could not be run: {one_line(str(error))}") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        why = one_line(done.stderr.decode(errors="replace"), 300) or f"status {done.returncode}"
        raise NotPublished(f"The branch is pushed, but {name} opened no pull request: {why}")
    addresses = [word for word in strip_control(said).split() if word.startswith("https://")]
    return addresses[-1] if addresses else one_line(said)


def _typed(command: Sequence[str], body: Path) -> str:
    """The command as a person types it; a long text is read from where it lies."""
    words = [
        f'"$(cat {shlex.quote(str(body))})"' if w == _TEXT else shlex.quote(w) for w in command
    ]
    return " ".join(words)
