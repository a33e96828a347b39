"""`agent acp` with the protocol's own client: an editor that allows, refuses, cancels."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import acp
import pytest
from acp.helpers import text_block
from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

from agent.acp_agent import _asked
from agent.state import Goal

ROOT = Path(__file__).resolve().parents[2]
BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = "from calc import larger\n\n\ndef test_first():\n    assert larger(3, 2) == 3\n"


class Editor:
    """A client that answers every question alike and keeps what it is told."""

    def __init__(self, allow: bool) -> None:
        self.allow = allow
        self.asked: list[Any] = []
        self.updates: list[Any] = []

    def on_connect(self, conn: Any) -> None:
        pass

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append(update)

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_: Any
    ) -> RequestPermissionResponse:
        self.asked.append(tool_call)
        if self.allow:
            chosen = next(o.option_id for o in options if o.kind == "allow_once")
            return RequestPermissionResponse(
                outcome=AllowedOutcome(outcome="selected", option_id=chosen)
            )
        return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))

    def said(self, kind: str) -> str:
        chosen = [u for u in self.updates if u.session_update == kind]
        return "".join(u.content.text for u in chosen)


@pytest.fixture
def repo(reversed_comparison: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCUM_ONLY", "bugs")
    return reversed_comparison


def prompted(repo: Path, editor: Editor, text: str) -> str:
    """Why the turn ended, of a real `agent acp` asked by a real client."""

    async def run() -> str:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        words = ("-P", "-m", "agent", "acp")
        async with acp.spawn_agent_process(editor, sys.executable, *words, env=env) as (agent, _):
            found = await agent.initialize(protocol_version=acp.PROTOCOL_VERSION)
            assert found.agent_info is not None
            assert found.agent_info.name == "locum"
            session = await agent.new_session(cwd=str(repo), mcp_servers=[])
            answer = await agent.prompt(session_id=session.session_id, prompt=[text_block(text)])
            await asyncio.sleep(0.1)
            return str(answer.stop_reason)

    return asyncio.run(run())


def test_a_plan_is_shown_and_nobody_is_asked(repo: Path) -> None:
    editor = Editor(allow=True)
    assert prompted(repo, editor, "/plan") == "end_turn"
    assert editor.asked == []
    (entry,) = [u for u in editor.updates if u.session_update == "plan"][-1].entries
    assert entry.content.startswith("bug in calc.py:1: 1 failing test")
    assert "1 item in the plan" in editor.said("agent_message_chunk")
    (offered,) = [u for u in editor.updates if u.session_update == "available_commands_update"]
    names = [command.name for command in offered.available_commands]
    assert names == ["fix", "plan", "explain"]


@pytest.mark.parametrize("allow", [True, False])
def test_the_person_in_the_editor_decides(repo: Path, allow: bool) -> None:
    editor = Editor(allow=allow)
    assert prompted(repo, editor, "larger(3, 2) gives 2") == "end_turn"
    (call,) = editor.asked
    assert call.locations[0].path == str(repo / "calc.py")
    assert "+++ b/calc.py" in call.content[0].content.text
    assert ((repo / "calc.py").read_text() != BUGGY) is allow
    assert "1 of 1 pass after" in editor.said("agent_message_chunk")


def test_what_cannot_be_worked_with_is_said(repo: Path) -> None:
    (repo / "test_calc.py").unlink()
    editor = Editor(allow=True)
    assert prompted(repo, editor, "/explain") == "end_turn"
    assert "No tests" in editor.said("agent_message_chunk")


def test_without_an_editor_it_says_so() -> None:
    words = [sys.executable, "-P", "-m", "agent", "acp"]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "standard input is none" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_and_bug_reports_are_told_apart() -> None:
    assert _asked("/plan") == (Goal.PLAN, "")
    assert _asked(" /fix the total is wrong") == (Goal.FIX, "the total is wrong")
    assert _asked("/home/x/calc.py is wrong") == (Goal.FIX, "/home/x/calc.py is wrong")
    assert _asked("plan") == (Goal.FIX, "plan")
