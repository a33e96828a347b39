"""Running the few commands that the policy allows, in the sandbox and without a shell."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.beneath import parse
from tools.errors import ToolsError
from tools.policy import Command
from tools.sandbox.base import Completed, Sandbox
from tools.text import head_and_tail, one_line, strip_control

_OUTPUT = 8_000
_LINT_SECONDS = 60.0
_CHECK = ("check", "--no-cache", "--quiet", "--output-format", "json", "--exit-zero")


@dataclass(frozen=True)
class Finding:
    """Something that the linter reported."""

    code: str
    """The rule's id, as in `F401`; empty for a syntax error."""
    path: str
    line: int
    message: str
    fixable: bool
    """The linter has a fix that cannot change what the code does."""


class CommandRunner:
    """Runs commands on the workspace `root`."""

    def __init__(self, root: Path, sandbox: Sandbox) -> None:
        self._root = root
        self._sandbox = sandbox

    def run(self, command: Command, argv: Sequence[str]) -> tuple[Completed, str]:
        """The outcome of `argv`, which `command` allows, and its output as safe text."""
        done = self._run(_real_arguments(argv), command.timeout, writes=command.writes)
        text = strip_control((done.stdout + done.stderr).decode(errors="replace"))
        if done.timed_out:
            text += f"\nStopped after {command.timeout:g} seconds."
        return done, head_and_tail(text, _OUTPUT)

    def lint(self, paths: Sequence[str] = ()) -> tuple[Finding, ...]:
        """What ruff reports under the repository's own settings, in the order of files and lines.

        Raises `ToolsError` if it cannot run.
        """
        targets = [_named(path) for path in paths] or ["."]
        done = self._run([ruff(), *_CHECK, "--no-fix", "--", *targets], _LINT_SECONDS)
        try:
            reported = json.loads(done.stdout)
        except ValueError as error:
            reason = one_line((done.stderr or done.stdout).decode(errors="replace"))
            raise ToolsError(f"The linter could not run: {reason or 'no output'}.") from error
        return tuple(map(self._finding, reported))

    def fix(self, path: str, text: str) -> str:
        """`text` with the linter's safe fixes, as the contents of `path`.

        Raises `ToolsError` if it cannot run, or cannot read the text as code.
        """
        name = parse(path)
        arguments = [
            *_CHECK[:3],
            "--fix-only",
            "--exit-zero",
            "--stdin-filename",
            _named(path),
            "-",
        ]
        source = text.encode("utf-8", "surrogateescape")
        done = self._run([ruff(), *arguments], _LINT_SECONDS, source)
        if done.returncode != 0 or done.truncated:
            reason = one_line(done.stderr.decode(errors="replace"))
            raise ToolsError(f"The linter could not fix {name!r}: {reason or 'too large'}.")
        return done.stdout.decode("utf-8", "surrogateescape")

    def _finding(self, reported: dict[str, object]) -> Finding:
        location, fix = reported.get("location"), reported.get("fix")
        row = location.get("row", 1) if isinstance(location, dict) else 1
        name = Path(str(reported["filename"]))
        return Finding(
            code=str(reported.get("code") or ""),
            path=str(name.relative_to(self._root) if name.is_relative_to(self._root) else name),
            line=int(row),
            message=one_line(str(reported.get("message", ""))),
            fixable=isinstance(fix, dict) and fix.get("applicability") == "safe",
        )

    def _run(
        self,
        argv: Sequence[str],
        timeout: float,
        input: bytes | None = None,
        *,
        writes: bool = False,
    ) -> Completed:
        granted = [self._root]
        return self._sandbox.run(
            argv,
            cwd=self._root,
            timeout=timeout,
            input=input,
            writable=granted if writes else (),
            readable=() if writes else granted,
        )


def ruff() -> str:
    """Our own ruff, not one that the repository brings."""
    name = "ruff.exe" if sys.platform == "win32" else "ruff"
    return str(Path(sysconfig.get_path("scripts")) / name)


def _named(path: str) -> str:
    """`path` as an argument that is nothing but a path: ruff reads `@file` as a list of more."""
    return f"./{parse(path)}"


def _real_arguments(argv: Sequence[str]) -> list[str]:
    if argv[0] != "ruff":
        return list(argv)
    quiet = ["--no-cache", "--no-fix"] if argv[1] == "check" else ["--no-cache"]
    return [ruff(), argv[1], *quiet, *argv[2:]]
