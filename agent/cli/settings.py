"""The options that a configuration file can set too, and the task that comes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from agent import config
from agent.config import Settings
from agent.state import Approval
from runtime.models import DEFAULT_MODEL

Command = TypeVar("Command", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """`90`, `90s`, `5m`, `1h`: a length of time in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return config.seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


# No default here: what is not given comes from `agent.config`.
_OPTIONS = [
    click.option("--test-cmd", metavar="CMD", help="How to run the tests; default: found out."),
    click.option("--budget", type=Duration(), show_default="5m", help="Time to spend."),
    click.option(
        "--model", metavar="ID", show_default=DEFAULT_MODEL, help="Model id or GGUF file."
    ),
    click.option("--endpoint", metavar="URL", help="Use this OpenAI-compatible server (…/v1)."),
    click.option(
        "--seed", type=int, metavar="N", show_default="0", help="Of what the model writes."
    ),
    click.option("--allow-unsandboxed", is_flag=True, help="Run the tests even without a sandbox."),
]


def options(command: Command) -> Command:
    """Gives a command the options that every kind of run has."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def resolved(ctx: click.Context, path: str) -> Settings:
    """The settings of the command that is running; tells what the repository may not set."""
    given = {
        name: value
        for name, value in ctx.params.items()
        if name in config.BY_NAME and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    settings = config.resolve(Path(path), given)
    for sentence in settings.ignored:
        click.echo(sentence, err=True)
    return settings


def complete_run(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Ids of runs that begin so, the latest first, for the shell."""
    from agent import home

    return [name for name in home.run_ids() if name.startswith(incomplete)]


run_argument = click.argument("run_id", metavar="RUN", shell_complete=complete_run)
"""RUN of a command that looks at one run."""


def approval(yes: bool, dry_run: bool, chosen: str | None) -> Approval:
    """Who decides: the flags, then what is configured, then whether somebody is there."""
    if yes or (chosen == "yes" and not dry_run):
        return Approval.YES
    if dry_run or chosen == "dry-run":
        return Approval.DRY_RUN
    if chosen != "ask" and os.environ.get("CI", "").lower() in ("true", "1"):
        return Approval.CI
    return Approval.ASK if sys.stdin.isatty() and sys.stdout.isatty() else Approval.NOBODY
