"""`agent replay`: make a run's tool calls and test runs again, and say what is not as recorded."""

from __future__ import annotations

import sys
import time

import click

from agent.cli.settings import run_argument
from tools.text import one_line

DIVERGED = 1
EVERY = 1.0
"""Seconds between two words on how far it is."""


@click.command()
@run_argument
@click.pass_context
def replay(ctx: click.Context, run_id: str) -> None:
    """Make the tool calls and test runs of RUN again, from the model's recorded answers.

    They are made in a fresh copy of the repository as it was; nothing is applied and no model is
    asked. Exit status: 0 if all is as recorded; 1 at the first difference, which is printed.
    """
    from agent import home
    from agent.replay import replay as repeat
    from tools.sandbox.scratch import scratch

    task, directory = home.find_run(run_id)
    last = 0.0

    def say(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            click.echo(f"  … {one_line(text, 100)}", err=True)

    with scratch() as folder:
        done = repeat(task, directory, folder, say)
    click.echo(
        f"{done.calls} tool calls, {done.test_runs} of them test runs, were made again from "
        f"{done.answers} recorded answers of the model."
    )
    for why, count in done.limits.items():
        click.echo(f"Not held against the record, {count} times: {one_line(why, 120)}.")
    sys.stdout.flush()
    if done.divergence:
        click.echo(f"First difference: {one_line(done.divergence, 400)}")
        ctx.exit(DIVERGED)
    click.echo("No difference.")
