"""`agent policy show` and `agent policy check`: what the tools of a run may do."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tools import rules

DENIED = 1
_REPOSITORY = click.option(
    "--repo",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="As the repository's .locum-policy.toml narrows it.",
)


@click.group()
def policy() -> None:
    """Say what the tools of a run may do.

    Your own policy is policy.toml in your configuration directory, or the file that LOCUM_POLICY
    names. A repository's .locum-policy.toml may only narrow it.
    """


@policy.command()
@_REPOSITORY
def show(repo: Path | None) -> None:
    """The policy in force as JSON: commands, budgets, and files that need a person's word."""
    from agent.wiring import USUAL
    from tools import rules

    ruled = rules.load(USUAL, repo)
    click.echo(json.dumps({"version": ruled.version, **ruled.shown()}, indent=2))


@policy.command()
@click.argument("tool", required=False)
@click.argument("arguments", default="{}")
@click.option(
    "--file", metavar="FILE", type=click.Path(path_type=Path), help="Whether this file is a policy."
)
@_REPOSITORY
@click.pass_context
def check(
    ctx: click.Context, tool: str | None, arguments: str, file: Path | None, repo: Path | None
) -> None:
    """What the policy says to a call of TOOL with ARGUMENTS (JSON) by the model; it is not made.

    Without TOOL: whether the policy files are policies, and what they ask for in vain. Exit
    status: 0 if the call is allowed or the files are right, 1 if it is not allowed, 2 for a file
    that is no policy.
    """
    from agent.wiring import USUAL
    from tools import rules

    if file is not None:
        rules.check(file)
        click.echo(f"{file} is a policy.")
        return
    ruled = rules.load(USUAL, repo)
    if tool is None:
        for line in ruled.refused:
            click.echo(line)
        click.echo(f"Policy {ruled.version}, from {', '.join(ruled.sources) or 'the program'}.")
        return
    verdict, told = _judged(ruled, tool, arguments)
    click.echo(told)
    ctx.exit(0 if verdict == "allow" else DENIED)


def _judged(ruled: rules.Rules, tool: str, arguments: str) -> tuple[str, str]:
    from agent.wiring import ruled_policy
    from tools.gateway import Gateway
    from tools.sandbox import NoSandbox
    from tools.toolbox import build_toolbox
    from tools.workspace import Workspace

    judge = ruled_policy(ruled, ())
    with TemporaryDirectory() as folder:
        (Path(folder) / "empty").mkdir()
        workspace = Workspace.create(Path(folder) / "empty", Path(folder) / "run")
        tools = build_toolbox(workspace, NoSandbox(), judge)
        decision = Gateway(tools, judge, lambda _: None).judge(tool, arguments)
        workspace.close()
    return decision.verdict, f"{decision.verdict} ({decision.rule}) {decision.reason}".rstrip()
