"""An agent for editors that speak the Agent Client Protocol: one prompt is one run.

`/plan` and `/explain` edit nothing; anything else mends the tests, going by the text as a bug
report. The patch is applied only when the person in the editor allows it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import acp
from acp import helpers
from acp.schema import (
    AgentCapabilities,
    AvailableCommand,
    Implementation,
    InitializeResponse,
    NewSessionResponse,
    PermissionOption,
    PromptResponse,
    TextContentBlock,
    ToolCallLocation,
    ToolCallUpdate,
)

from agent import editors
from agent.approval import ApprovalAnswer, ApprovalRequest
from agent.deps import Cancelled
from agent.errors import AgentError
from agent.events import CandidateTried, DiffReady, Event, ItemFinished, PlanReady, Token
from agent.quoting import fenced
from agent.runner import Run
from agent.state import Approval, Goal, PlanItem, Status
from runtime.errors import RuntimeFailure
from tools.errors import ToolsError
from tools.text import strip_control

COMMANDS = {
    "fix": (Goal.FIX, "Mend what makes the tests fail; a bug report may follow."),
    "plan": (Goal.PLAN, "Say what would be mended, and where."),
    "explain": (Goal.EXPLAIN, "Say why the tests fail."),
}
_OPTIONS = (
    PermissionOption(option_id="apply", name="Apply the patch", kind="allow_once"),
    PermissionOption(option_id="leave", name="Leave the files as they are", kind="reject_once"),
)


class LocumAgent:
    """Speaks for all sessions of one editor; what it lacks, the protocol lets an agent lack."""

    def __init__(self) -> None:
        self._editor: acp.Client
        self._folders: dict[str, Path] = {}
        self._runs: dict[str, Run] = {}

    def on_connect(self, conn: acp.Client) -> None:
        self._editor = conn

    async def initialize(self, protocol_version: int, *_: Any, **__: Any) -> InitializeResponse:
        return InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_capabilities=AgentCapabilities(),
            agent_info=Implementation(name="locum", version=metadata.version("locum")),
        )

    async def new_session(self, cwd: str, *_: Any, **__: Any) -> NewSessionResponse:
        session = secrets.token_hex(8)
        self._folders[session] = editors.inside(Path(cwd), ".")
        commands = [
            AvailableCommand(name=n, description=text) for n, (_g, text) in COMMANDS.items()
        ]
        update = helpers.update_available_commands(commands)
        asyncio.get_running_loop().call_soon(
            lambda: asyncio.ensure_future(self._editor.session_update(session, update))
        )
        return NewSessionResponse(session_id=session)

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        if session_id not in self._folders:
            raise acp.RequestError.invalid_params({"sessionId": session_id})
        if session_id in self._runs:
            raise acp.RequestError.invalid_request({"reason": "A run is under way already."})
        text = "\n".join(block.text for block in prompt if isinstance(block, TextContentBlock))
        goal, issue = _asked(text)
        approval = Approval.ASK if goal is Goal.FIX else Approval.DRY_RUN
        task = editors.task(self._folders[session_id], goal, approval, {"issue": issue})
        run = self._runs[session_id] = editors.begin(task)
        follow = _Follower(self._editor, session_id, asyncio.get_running_loop())
        try:
            work = partial(editors.finish, run, follow.approve, follow.hear)
            done = await asyncio.to_thread(work)
            await self._say(session_id, done.summary)
        except Cancelled:
            return PromptResponse(stop_reason="cancelled")
        except (AgentError, RuntimeFailure, ToolsError) as error:
            await self._say(session_id, str(error))
        finally:
            del self._runs[session_id]
        return PromptResponse(stop_reason="end_turn")

    async def cancel(self, session_id: str, **_: Any) -> None:
        if session_id in self._runs:
            self._runs[session_id].cancel()

    async def _say(self, session: str, text: str) -> None:
        await self._editor.session_update(session, helpers.update_agent_message_text(text))


class _Follower:
    """Hears of a run in its thread, and tells the editor in the loop's."""

    def __init__(self, editor: acp.Client, session: str, loop: asyncio.AbstractEventLoop) -> None:
        self._editor, self._session, self._loop = editor, session, loop
        self._items: dict[int, PlanItem] = {}
        self._diff = ""

    def hear(self, event: Event) -> None:
        match event:
            case PlanReady():
                self._items = {item.number: item for item in event.items}
                self._tell(self._plan())
            case ItemFinished():
                self._items[event.item.number] = event.item
                self._tell(self._plan())
            case DiffReady():
                self._diff = event.diff
            case Token():
                self._tell(helpers.update_agent_thought_text(strip_control(event.text)))
            case CandidateTried() if not event.survived:
                pass  # hundreds of them: no editor's log is the place
            case _:
                if text := editors.said(event):
                    self._tell(helpers.update_agent_thought_text(f"{text}\n"))

    def approve(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Asks the person in the editor; without a clear yes nothing is applied."""
        places = [ToolCallLocation(path=str(Path(request.tree) / name)) for name in request.files]
        shown = helpers.tool_content(helpers.text_block(fenced(strip_control(self._diff), "diff")))
        call = ToolCallUpdate(
            tool_call_id="apply",
            kind="edit",
            status="pending",
            title=f"Apply the verified patch to {', '.join(request.files)}",
            content=[shown],
            locations=places,
        )
        answer = self._wait(self._editor.request_permission(self._session, call, list(_OPTIONS)))
        outcome = answer.outcome
        approved = outcome.outcome == "selected" and outcome.option_id == "apply"
        return ApprovalAnswer(approved, "" if approved else "It was not approved.")

    def _plan(self) -> Any:
        entries = [
            helpers.plan_entry(
                strip_control(f"{item.kind.value} in {item.place}: {item.title}"),
                status="pending" if item.status is Status.OPEN else "completed",
            )
            for item in self._items.values()
        ]
        return helpers.update_plan(entries)

    def _tell(self, update: Any) -> None:
        self._wait(self._editor.session_update(self._session, update))

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _asked(text: str) -> tuple[Goal, str]:
    """What a prompt asks for, and the rest of it as a bug report."""
    word, _, rest = text.strip().partition(" ")
    if word.startswith("/") and word[1:] in COMMANDS:
        return COMMANDS[word[1:]][0], rest.strip()
    return Goal.FIX, text.strip()


async def serve() -> None:
    """Speak the protocol over standard input and output until the editor is gone."""
    await acp.run_agent(cast("acp.Agent", LocumAgent()))
