"""`agent doctor`: what was found on this machine, and what to do about what was not."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from agent.cli.proxy import UPSTREAM_TOKEN_VARIABLE, base_url
from agent.doctor import Finding, examine, probed, works

MARKS = {"ok": ("ok", "green"), "warning": ("!!", "yellow"), "failed": ("no", "red")}


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--upstream",
    metavar="URL",
    callback=base_url,
    help="Ask this OpenAI-compatible server a few questions and say what it gets wrong.",
)
@click.option("--long", is_flag=True, help="With --upstream: also send a prompt of 6,000 words.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor(
    ctx: click.Context, path: Path | None, upstream: str | None, long: bool, as_json: bool
) -> None:
    """Say what this machine has and what it lacks; with PATH also how its tests would run.

    Exit status: 0 if `agent fix` can work here (with --upstream: if that server answers), 1
    otherwise.
    """
    findings = []
    for finding in examine(path) if upstream is None else _asked(upstream, long):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        report = {
            "version": 1,
            "works": works(findings),
            "findings": [asdict(finding) for finding in findings],
        }
        click.echo(json.dumps(report, indent=2))
    ctx.exit(0 if works(findings) else 1)


def _asked(upstream: str, long: bool) -> Iterator[Finding]:
    token = os.environ.get(UPSTREAM_TOKEN_VARIABLE, "")

    def say(question: str) -> None:
        click.echo(f"Asking {upstream} for {question} …", err=True)

    yield probed(upstream, token, say, long=long)


def _show(finding: Finding) -> None:
    mark, colour = MARKS[finding.status]
    click.echo(f"{click.style(mark, fg=colour)}  {finding.name}: {finding.found}")
    if finding.remedy:
        click.echo(f"    → {finding.remedy}")
