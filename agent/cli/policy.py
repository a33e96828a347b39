"""`agent policy show` and `agent policy check`: what the tools of a run may do."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click

DENIED = 1


@click.group()
def policy() -> None:
    """Say what the tools of a run may do."""


@policy.command()
def show() -> None:
    """The policy of `agent fix` as JSON: commands, budgets, and files that need a person's word."""
    from agent.wiring import BUDGETS
    from tools.policy import LINTERS, PROTECTED_FOLDERS, PROTECTED_NAMES, VERSION

    shown = {
        "version": VERSION,
        "commands": [asdict(command) for command in LINTERS],
        "budgets": asdict(BUDGETS),
        "protected_folders": sorted(PROTECTED_FOLDERS),
        "protected_names": sorted(PROTECTED_NAMES),
    }
    click.echo(json.dumps(shown, indent=2))


@policy.command()
@click.argument("tool")
@click.argument("arguments", default="{}")
@click.pass_context
def check(ctx: click.Context, tool: str, arguments: str) -> None:
    """What the policy says to a call of TOOL with ARGUMENTS (JSON) by the model; it is not made.

    Exit status: 0 if it is allowed, 1 if it is denied or needs approval.
    """
    from agent.wiring import BUDGETS
    from tools.gateway import Gateway
    from tools.policy import LINTERS, Policy
    from tools.sandbox import NoSandbox
    from tools.toolbox import build_toolbox
    from tools.workspace import Workspace

    rules = Policy(commands=LINTERS, budgets=BUDGETS)
    with TemporaryDirectory() as folder:
        (Path(folder) / "empty").mkdir()
        workspace = Workspace.create(Path(folder) / "empty", Path(folder) / "run")
        tools = build_toolbox(workspace, NoSandbox(), rules)
        decision = Gateway(tools, rules, lambda _: None).judge(tool, arguments)
        workspace.close()
    click.echo(f"{decision.verdict} ({decision.rule}) {decision.reason}".rstrip())
    ctx.exit(0 if decision.verdict == "allow" else DENIED)
