"""What may be done: operation by operation, within a budget, until someone says stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tools.beneath import parse
from tools.errors import RefusedPath
from tools.protection import USUAL, Protection
from tools.state import state_directory
from tools.text import one_line

VERSION = "1"
Caller = Literal["model", "harness"]
Verdict = Literal["allow", "deny", "needs_approval"]


class Decision(BaseModel):
    """What the policy says to one call."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    rule: str
    """Id of the rule that decided."""
    policy_version: str = VERSION
    reason: str = ""


@dataclass(frozen=True)
class Command:
    """An exact argument vector that may be run; `paths` in the workspace may follow it."""

    argv: tuple[str, ...]
    paths: bool = False
    writes: bool = False
    """It runs code of the repository, with the workspace writable."""
    timeout: float = 60.0

    def matches(self, argv: Sequence[str]) -> bool:
        rest = argv[len(self.argv) :]
        if tuple(argv[: len(self.argv)]) != self.argv:
            return False
        return all(map(_is_plain_path, rest)) if self.paths else not rest


LINTERS = (
    Command(("ruff", "check"), paths=True),
    Command(("ruff", "format", "--check"), paths=True),
    Command(("ruff", "format", "--diff"), paths=True),
)


def _is_plain_path(argument: str) -> bool:
    # `@file` makes ruff read its arguments from there.
    try:
        return not argument.startswith(("-", "@")) and bool(parse(argument) or argument == ".")
    except RefusedPath:
        return False


@dataclass(frozen=True)
class Budgets:
    """Hard stops for one run."""

    calls: int = 20_000
    model_calls: int = 200
    test_runs: int = 10_000
    writes: int = 500
    bytes_written: int = 16 * 1024 * 1024
    identical_calls: int = 3
    """How often in a row the model may make the very same call."""


class Policy:
    """Decides every tool call of one run, and keeps count. Safe to use from several threads."""

    def __init__(
        self,
        *,
        commands: Sequence[Command] = LINTERS,
        budgets: Budgets | None = None,
        kill_switches: Sequence[Path] | None = None,
        approved: Collection[str] = (),
        protection: Protection = USUAL,
        forbidden: Collection[str] = (),
        version: str = VERSION,
    ) -> None:
        """`approved` are protected paths that a person allowed to be written in this run.

        `forbidden` are tools that the model may not call.
        """
        self.version = version
        self.commands = tuple(commands)
        self._budgets = budgets or Budgets()
        switches = [stop_file()] if kill_switches is None else kill_switches
        self._switches = tuple(switches)
        self._approved = set(approved)
        self._protection = protection
        self._forbidden = frozenset(forbidden)
        self._read_only = ""
        self._spent = {"calls": 0, "model_calls": 0, "test_runs": 0, "writes": 0}
        self._spent["bytes_written"] = 0
        self._last: tuple[str, int] = ("", 0)
        self._lock = threading.Lock()

    def approve(self, path: str) -> None:
        """A person allows writing the protected `path` in this run."""
        self._approved.add(parse(path))

    def downgrade(self, reason: str) -> None:
        """From now on the model's calls write nothing and run nothing.

        What the harness does in the copy goes on: no text chooses it, and it is confined.
        """
        self._read_only = reason

    def decide(
        self, name: str, arguments: Mapping[str, Any], caller: Caller, *, changes: bool
    ) -> Decision:
        """Whether a valid call may be made; `changes` says that its tool writes or runs things.

        Allowing a call counts it.
        """
        with self._lock:
            refusal = (
                self._stopped()
                or self._downgraded(caller, changes)
                or self._closed(name, caller)
                or self._repeated(name, arguments, caller)
                or self._operation(name, arguments)
                or self._exhausted(name, arguments, caller)
            )
            return refusal or Decision(verdict="allow", rule=f"{name}.ordinary")

    def command_for(self, argv: Sequence[str]) -> Command | None:
        return next((command for command in self.commands if command.matches(argv)), None)

    def _stopped(self) -> Decision | None:
        for switch in self._switches:
            if switch.exists():
                return _deny("run.stopped", "The run was stopped.")
        return None

    def _downgraded(self, caller: Caller, changes: bool) -> Decision | None:
        if changes and caller == "model" and self._read_only:
            return _deny("run.read-only", f"The run is read-only: {self._read_only}")
        return None

    def _closed(self, name: str, caller: Caller) -> Decision | None:
        if caller == "model" and name in self._forbidden:
            return _deny("tool.forbidden", f"The policy keeps {name} from the model.")
        return None

    def _repeated(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> Decision | None:
        if caller != "model":
            return None
        call = name + json.dumps(arguments, sort_keys=True, default=str)
        self._last = (call, self._last[1] + 1 if call == self._last[0] else 1)
        if self._last[1] > self._budgets.identical_calls:
            return _deny("model.repeats", "This call was just made; its answer has not changed.")
        return None

    def _operation(self, name: str, arguments: Mapping[str, Any]) -> Decision | None:
        try:
            path = parse(arguments.get("path", ""))
        except RefusedPath as error:
            return _deny("path.refused", str(error))
        if name == "write_file":
            return self._write(path)
        if name == "run_command" and self.command_for(arguments["argv"]) is None:
            known = "; ".join(" ".join(command.argv) for command in self.commands)
            shown = one_line(" ".join(arguments["argv"]), 80)
            return _deny("command.unlisted", f"{shown!r} may not be run. Allowed: {known}.")
        return None

    def _write(self, path: str) -> Decision | None:
        protection = self._protection.of(path)
        if protection == "forbidden":
            return _deny("write.version-control", f"{one_line(path, 80)!r} is never written.")
        if protection == "protected" and path not in self._approved:
            reason = f"{PurePosixPath(path).name!r} can change how code is run or checked."
            return Decision(verdict="needs_approval", rule="write.protected", reason=reason)
        return None

    def _exhausted(
        self, name: str, arguments: Mapping[str, Any], caller: Caller
    ) -> Decision | None:
        cost = {"calls": 1}
        if caller == "model":
            cost["model_calls"] = 1
        if name == "run_tests":
            cost["test_runs"] = 1
        if name == "write_file":
            cost |= {"writes": 1, "bytes_written": len(arguments["content"])}
        for kind, amount in cost.items():
            if self._spent[kind] + amount > getattr(self._budgets, kind):
                words = kind.replace("_", " ")
                return _deny(f"budget.{kind}", f"This run has used up its {words}.")
        for kind, amount in cost.items():
            self._spent[kind] += amount
        return None


def stop_file(state: Path | None = None) -> Path:
    """The file whose presence stops every run of this user."""
    return (state or state_directory()) / "stop"


def _deny(rule: str, reason: str) -> Decision:
    return Decision(verdict="deny", rule=rule, reason=reason)
