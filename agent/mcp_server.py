"""A Model Context Protocol server: other agents plan, explain, mend and read through ours.

Whoever asks is a model that may have read hostile text, so it can name only what lies in the one
folder that a person gave, and applies nothing unless that person said so.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import jsonschema
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from agent import editors
from agent.approval import ApprovalAnswer
from agent.errors import AgentError
from agent.events import Event
from agent.home import state_root
from agent.state import Approval, Goal
from agent.wiring import USUAL, ruled_policy
from runtime.errors import RuntimeFailure
from tools import rules
from tools.errors import ToolsError
from tools.gateway import Gateway
from tools.policy import stop_file
from tools.redaction import redact
from tools.sandbox import NoSandbox
from tools.toolbox import build_toolbox
from tools.workspace import Workspace

FRESH = 5.0
"""Seconds for which a copy of the folder is read before a new one is made."""
_PATH = {"type": "string", "description": "The repository's folder, relative; default: all of it."}
_ONLY = {"enum": ["bugs", "all"], "description": "bugs: nothing but what makes tests fail."}
_BUDGET = {
    "type": "number", "exclusiveMinimum": 0, "maximum": editors.MOST_SECONDS,
    "description": "Seconds to spend.",
}  # fmt: skip
_ISSUE = {"type": "string", "maxLength": 20_000, "description": "A bug report to go by."}
_RUNS: dict[str, tuple[Goal, str, dict[str, Any]]] = {
    "plan": (
        Goal.PLAN,
        "Run the tests and say what is wrong and where. Edits nothing.",
        {"path": _PATH, "only": _ONLY},
    ),
    "explain": (
        Goal.EXPLAIN,
        "Say why the tests fail: the way to the fault and its values. Edits nothing.",
        {"path": _PATH},
    ),
    "fix": (
        Goal.FIX,
        "Search for edits that make the failing tests pass, and prove them with the tests. ",
        {"path": _PATH, "only": _ONLY, "budget_seconds": _BUDGET, "issue": _ISSUE},
    ),
}


@dataclass
class _Copy:
    gateway: Gateway
    made: float
    stack: ExitStack


class Service:
    """What the server offers for one folder."""

    def __init__(self, root: Path, *, apply: bool) -> None:
        """`apply` lets `fix` write to the repository; otherwise it gives the patch alone."""
        self._root = root.resolve()
        self._apply = apply
        self._copy: _Copy | None = None
        self._one_run = anyio.Lock()

    def server(self) -> Server[Any]:
        return Server(
            "locum",
            version=metadata.version("locum"),
            instructions=f"Mends failing tests in {self._root} with a model on this machine.",
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    def close(self) -> None:
        if self._copy is not None:
            self._copy.stack.close()

    def tools(self) -> list[types.Tool]:
        deed = "Writes the mend to the repository." if self._apply else "Gives the patch only."
        found = []
        for name, (goal, text, properties) in _RUNS.items():
            schema = {"type": "object", "properties": properties, "additionalProperties": False}
            edits = goal is Goal.FIX
            hints = types.ToolAnnotations(read_only_hint=not (edits and self._apply))
            told = text + deed if edits else text
            found.append(
                types.Tool(name=name, description=told, input_schema=schema, annotations=hints)
            )
        for spec in self._gateway().specs(read_only=True):
            function = spec["function"]
            found.append(
                types.Tool(
                    name=function["name"],
                    description=function["description"],
                    input_schema=function["parameters"],
                    annotations=types.ToolAnnotations(read_only_hint=True),
                )
            )
        return found

    async def _list(self, _: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=await anyio.to_thread.run_sync(self.tools))

    async def _call(self, ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments = params.arguments or {}
        if params.name not in _RUNS:
            return await anyio.to_thread.run_sync(partial(self._guarded, params.name, arguments))
        try:
            async with self._one_run:
                return await self._run(ctx, params.name, arguments)
        except jsonschema.ValidationError as error:
            return _failed(f"{params.name}: {error.message}")
        except (AgentError, RuntimeFailure, ToolsError) as error:
            return _failed(str(error))

    async def _run(self, ctx: Any, name: str, given: dict[str, Any]) -> types.CallToolResult:
        goal, _, properties = _RUNS[name]
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        jsonschema.validate(given, schema)
        folder = editors.inside(self._root, given.get("path", "."))
        approval = Approval.YES if goal is Goal.FIX and self._apply else Approval.DRY_RUN
        run = editors.begin(editors.task(folder, goal, approval, given))
        steps = iter(range(1, 1_000_000))

        def heard(event: Event) -> None:
            if text := editors.said(event):
                anyio.from_thread.run(ctx.session.report_progress, next(steps), None, text)

        work = partial(editors.finish, run, lambda _: ApprovalAnswer(approved=False), heard)
        try:
            done = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            run.cancel()
            raise
        report = json.loads(Path(done.report_path).read_bytes())
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=done.summary)], structured_content=report
        )

    def _guarded(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        result = self._gateway().call(name, arguments, caller="model", read_only=True)
        # Whoever asks may think on another machine.
        text = types.TextContent(type="text", text=redact(result.content))
        return types.CallToolResult(content=[text], is_error=not result.ok)

    def _gateway(self) -> Gateway:
        """Reading tools on a copy of the folder that is a few seconds old at most."""
        if self._copy is not None and time.monotonic() - self._copy.made < FRESH:
            return self._copy.gateway
        self.close()
        stack = ExitStack()
        home = Path(stack.enter_context(TemporaryDirectory(prefix="locum-mcp-")))
        workspace = Workspace.create(self._root, home)
        stack.callback(workspace.close)
        policy = ruled_policy(rules.load(USUAL, self._root), [stop_file(state_root())])
        toolbox = build_toolbox(workspace, NoSandbox(), policy)
        gateway = Gateway(toolbox, policy, lambda _: None)
        self._copy = _Copy(gateway, time.monotonic(), stack)
        return gateway


async def serve(root: Path, *, apply: bool) -> None:
    """Speak the protocol over standard input and output until the client is gone."""
    service = Service(root, apply=apply)
    server = service.server()
    try:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
    finally:
        service.close()


def _failed(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=sentence)], is_error=True
    )
