"""`agent mcp` and `agent acp`: for other agents and for editors, over standard input and output."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import click

from agent.errors import Unusable


@click.command(
    epilog="""\b
    Examples, as a client's configuration has it:
      {"command": "agent", "args": ["mcp", "/home/me/src/project"]}
      {"command": "agent", "args": ["mcp", "/home/me/src/project", "--apply"]}
    """
)
@click.argument("path", type=click.Path(exists=True, file_okay=False), default=".")
@click.option("--apply", is_flag=True, help="Let `fix` write to the repository, not only show.")
def mcp(path: str, apply: bool) -> None:
    """Serve the Model Context Protocol on standard input and output, for PATH and what is in it.

    Tools: plan, explain, fix, and the reading tools behind the same gateway as in a run. Another
    agent can name nothing outside of PATH; model, servers and test command are your own settings.
    """
    _say_who_is_waited_for("another agent")
    import anyio

    from agent import mcp_server

    async def run() -> None:
        await mcp_server.serve(Path(path), apply=apply)

    anyio.run(run)


@click.command(
    epilog="""\b
    Example, in the settings of an editor:
      "agent_servers": {"locum": {"command": "agent", "args": ["acp"]}}
    """
)
def acp() -> None:
    """Serve the Agent Client Protocol on standard input and output, for an editor.

    A prompt mends the tests of the editor's folder, with its text as the bug report; /plan and
    /explain edit nothing. The patch is applied when you allow it in the editor.
    """
    _require_pipes()
    _say_who_is_waited_for("an editor")
    import asyncio

    from agent import acp_agent

    asyncio.run(acp_agent.serve())


def _require_pipes() -> None:
    """asyncio reads from nothing else; with a file for standard input it would wait for ever."""
    for name, stream in (("input", sys.stdin), ("output", sys.stdout)):
        mode = os.fstat(stream.fileno()).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()):
            raise Unusable(
                f"An editor speaks to `agent acp` through pipes, and standard {name} is none; "
                "let the editor start it (docs/how-to/editors.md)."
            )


def _say_who_is_waited_for(client: str) -> None:
    if sys.stdin.isatty():
        click.echo(f"Waiting for {client} on standard input; Ctrl-C ends it.", err=True)
