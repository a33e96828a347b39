"""`agent runs`, `agent show`, `agent log`, `agent audit verify`: what became of earlier runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import click

from agent import history, home, record
from agent.cli.settings import run_argument
from agent.errors import NoSuchRun
from tools.text import one_line, strip_control

WIDEST = 160
BEHIND_CALLS = ("decision", "tree")
"""What a readable log leaves out: the line of the call itself tells it again."""


@click.command()
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    show_default=True,
    help="At most so many.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def runs(number: int, as_json: bool) -> None:
    """List the runs on this machine, the latest first."""
    found = list(islice(history.runs(), number))
    if as_json:
        click.echo(json.dumps({"version": 1, "runs": [asdict(run) for run in found]}, indent=2))
    elif not found:
        click.echo("There is no run yet; `agent fix PATH` makes one.", err=True)
    else:
        for run in found:
            click.echo(f"{run.run_id}  {one_line(run.headline, 60)}  {one_line(run.path)}")


@click.command()
@run_argument
@click.option("--json", "as_json", is_flag=True, help="Its report (`agent schema`), for programs.")
def show(run_id: str, as_json: bool) -> None:
    """Show the summary of RUN, or how far it got."""
    task, directory = home.find_run(run_id)
    if as_json:
        report = directory / history.REPORT
        if not report.is_file():
            raise NoSuchRun(f"Run {run_id} has no report: it has not finished.")
        click.echo(report.read_text("utf-8"), nl=False)
        return
    summary = directory / history.SUMMARY
    if summary.is_file():
        click.echo(strip_control(summary.read_text("utf-8")), nl=False)
        return
    click.echo(f"Run {run_id} on {one_line(task.path)} has not finished.")
    last = [_line(entry) for entry in record.read(directory / home.RECORD)][-5:]
    click.echo("\n".join([*last, f"`agent resume {run_id}` goes on with it."]))


@click.command()
@run_argument
@click.option("--json", "as_json", is_flag=True, help="The whole lines, for programs.")
def log(run_id: str, as_json: bool) -> None:
    """Show the record of RUN, one line for each thing that happened."""
    _, directory = home.find_run(run_id)
    for entry in record.read(directory / home.RECORD):
        if as_json:
            click.echo(json.dumps(entry))
        elif entry["kind"] not in BEHIND_CALLS:
            click.echo(_line(entry))


@click.group()
def audit() -> None:
    """Hold records of runs against their hash chains."""


@audit.command()
@run_argument
@click.pass_context
def verify(ctx: click.Context, run_id: str) -> None:
    """Say whether the record of RUN is whole and unchanged. Exit status: 0 if it is, else 1.

    Whoever can write the record can write a new one with a chain of its own: keep the last hash,
    which is printed, elsewhere to rule that out.
    """
    _, directory = home.find_run(run_id)
    path = directory / home.RECORD
    problem = _missing(path) or record.verify(path) or _cut_off(directory)
    if problem:
        click.echo(problem)
        ctx.exit(1)
    entries = list(record.read(path))
    click.echo(f"{len(entries)} lines, unchanged; the last hash is {entries[-1]['hash']}.")


def _missing(path: Path) -> str:
    if path.is_file() and path.stat().st_size:
        return ""
    return f"There is no record in {path}: the run never began, or it was removed."


def _cut_off(directory: Path) -> str:
    """A chain does not show that its end is missing; a finished run tells where it ends."""
    if not (directory / history.REPORT).is_file():
        return ""
    if any(entry["kind"] == "done" for entry in record.read(directory / home.RECORD)):
        return ""
    return f"The end of {directory / home.RECORD} is missing: the run had finished."


def _line(entry: Mapping[str, Any]) -> str:
    when = time.strftime("%H:%M:%S", time.localtime(float(entry["time"])))
    kind, data = str(entry["kind"]), entry["data"]
    return one_line(f"{when} {kind:<10} {_told(kind, data)}", WIDEST)


def _told(kind: str, data: Mapping[str, Any]) -> str:
    match kind:
        case "tool":
            ruling = data["decision"]
            verdict = "" if ruling["verdict"] == "allow" else f" {ruling['verdict']}"
            seconds = f"{data['seconds']:.2f} s"
            made = f"{data['caller']} {data['tool']} {data['arguments']}"
            return f"{made}:{verdict} ({ruling['rule']}, {seconds}) {data['summary']}"
        case "model":
            usage = data["usage"]
            return (
                f"{data['purpose']}: {usage['prompt_tokens']} tokens read, "
                f"{usage['completion_tokens']} written in {data['seconds']} s"
            )
        case _:
            return ", ".join(f"{key}: {_short(value)}" for key, value in data.items())


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "{…}" if value else "{}"
    if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
        return f"{len(value)} entries"
    return one_line(str(value), 60)
