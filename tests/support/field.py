"""A workspace with a gateway on it, and beside it what nothing may reach."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.gateway import Gateway, ToolRecord, ToolResult
from tools.policy import Budgets, Command, Policy
from tools.sandbox import Sandbox
from tools.toolbox import build_toolbox
from tools.workspace import Workspace

SECRET = "the-secret-of-outside"
LONGEST = 3_500
"""Characters of a path; what lies deeper has no name that could be opened."""
UNLIMITED = Budgets(model_calls=10**9, calls=10**9, writes=10**9, bytes_written=10**12)
ECHO = Command(("python", "-c", "print('ran')"), writes=True)


def seen(folder: Path) -> dict[str, Any]:
    """Every entry of a folder with its kind, mode, time and content, links not followed."""
    found: dict[str, Any] = {}
    pending = [folder]
    while pending:
        # Not by `rglob`, which calls itself for each folder in a folder.
        for path in pending.pop().iterdir():
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found[str(path)] = (status.st_mode, status.st_mtime_ns, content)
            if stat.S_ISDIR(status.st_mode) and len(str(path)) < LONGEST:
                pending.append(path)
    return found


@dataclass
class Field:
    """What an attack finds, and how to tell whether it got anywhere."""

    workspace: Workspace
    outside: Path
    policy: Policy
    gateway: Gateway
    records: list[ToolRecord]
    before: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def around(cls, workspace: Workspace, outside: Path, sandbox: Sandbox) -> Field:
        records: list[ToolRecord] = []
        policy = Policy(commands=[*Policy().commands, ECHO], budgets=UNLIMITED, kill_switches=())
        tools = build_toolbox(workspace, sandbox, policy)
        made = cls(workspace, outside, policy, Gateway(tools, policy, records.append), records)
        made.before = made._seen()
        return made

    @property
    def root(self) -> Path:
        return self.workspace.root

    def call(self, tool: str, **arguments: Any) -> ToolResult:
        """As the model makes it."""
        return self.gateway.call(tool, arguments, caller="model")

    def untouched(self) -> bool:
        """Whether everything outside is as it was, the user's own tree included."""
        return self._seen() == self.before

    def _seen(self) -> dict[str, Any]:
        return {**seen(self.outside), **seen(self.workspace.source)}
