"""`agent mcp` with the protocol's own client: what another agent can do, and what it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from agent.mcp_server import Service

BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = "from calc import larger\n\n\ndef test_first():\n    assert larger(3, 2) == 3\n"
Talk = Callable[[Client], Awaitable[None]]


@pytest.fixture
def repo(reversed_comparison: Path) -> Path:
    (reversed_comparison.parent / "secret.txt").write_text("outside\n")
    return reversed_comparison


def talk(root: Path, with_it: Talk, *, apply: bool = False) -> None:
    async def run() -> None:
        service = Service(root, apply=apply)
        try:
            async with Client(service.server()) as client:
                await with_it(client)
        finally:
            service.close()

    anyio.run(run)


def text(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if block.type == "text")


def test_a_plan_comes_as_markdown_and_as_the_report(repo: Path) -> None:
    async def with_it(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"plan", "explain", "fix", "read_file", "list_files"} <= tools.keys()
        assert "write_file" not in tools
        assert tools["fix"].annotations is not None
        assert tools["fix"].annotations.read_only_hint, "it gives the patch only"
        heard: list[str] = []

        async def progress(_: float, __: float | None, message: str | None) -> None:
            heard.append(message or "")

        result = await client.call_tool("plan", {}, progress_callback=progress)
        assert not result.is_error, text(result)
        assert text(result).startswith("# 0 of 1 tests pass; 1 item in the plan")
        assert result.structured_content["items"][0]["path"] == "calc.py"
        assert any("before: 0 of 1 tests pass" in line for line in heard)

    talk(repo, with_it)


def test_a_fix_gives_the_patch_and_writes_only_where_a_person_said_so(repo: Path) -> None:
    async def shown(client: Client) -> None:
        result = await client.call_tool("fix", {"only": "bugs", "budget_seconds": 120})
        assert not result.is_error, text(result)
        assert "+++ b/calc.py" in result.structured_content["patch"]
        assert result.structured_content["applied"] == []

    talk(repo, shown)
    assert (repo / "calc.py").read_text() == BUGGY

    async def applied(client: Client) -> None:
        result = await client.call_tool("fix", {"only": "bugs", "budget_seconds": 120})
        assert result.structured_content["applied"] == ["calc.py"]

    talk(repo, applied, apply=True)
    assert (repo / "calc.py").read_text() != BUGGY


def test_nothing_outside_of_the_folder_and_nothing_unheard_of(repo: Path, tmp_path: Path) -> None:
    (repo / "way out").symlink_to(tmp_path)

    async def with_it(client: Client) -> None:
        for name, arguments, words in (
            ("plan", {"path": ".."}, "lies outside"),
            ("plan", {"path": "/etc"}, "lies outside"),
            ("explain", {"path": "way out"}, "lies outside"),
            ("plan", {"path": "nowhere"}, "no folder"),
            ("fix", {"apply": True}, "apply"),
            ("fix", {"budget_seconds": 1e9}, "maximum"),
            ("fix", {"endpoint": "http://evil"}, "endpoint"),
            ("read_file", {"path": "../secret.txt"}, "leads out"),
            ("write_file", {"path": "x", "text": "y"}, ""),
            ("no_such_tool", {}, ""),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, (name, arguments, text(result))
            assert words in text(result)
            assert "outside\n" not in text(result)
        result = await client.call_tool("read_file", {"path": "calc.py"})
        assert not result.is_error, "positive control"
        assert "def larger" in text(result)

    talk(repo, with_it)
    assert not (repo / "x").exists()


def test_secrets_stay_here_and_the_rules_of_a_run_hold(repo: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    (repo / "keys.py").write_text(f"KEY = '{token}'  # ours\n")

    async def with_it(client: Client) -> None:
        found = await client.call_tool("read_file", {"path": "keys.py"})
        assert "# ours" in text(found), "positive control"
        assert token not in text(found)

    talk(repo, with_it)
    (repo / ".locum-policy.toml").write_text('version = "1"\nforbidden_tools = ["read_file"]\n')

    async def ruled(client: Client) -> None:
        found = await client.call_tool("read_file", {"path": "keys.py"})
        assert found.is_error, text(found)

    talk(repo, ruled)


def test_the_command_speaks_over_standard_input_and_output(repo: Path) -> None:
    async def run() -> None:
        words = ["-P", "-m", "agent", "mcp", str(repo)]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        params = StdioServerParameters(command=sys.executable, args=words, env=env)
        async with Client(params) as client:
            found = await client.call_tool("search_code", {"pattern": "larger"})
            assert "calc.py" in text(found)

    anyio.run(run)
