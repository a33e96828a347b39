"""`agent doctor`: what was found on this machine, and what to do about what was not."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from agent.doctor import Finding, examine, works

MARKS = {"ok": ("ok", "green"), "warning": ("!!", "yellow"), "failed": ("no", "red")}


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor(ctx: click.Context, path: Path | None, as_json: bool) -> None:
    """Say what this machine has and what it lacks; with PATH also how its tests would run.

    Exit status: 0 if `agent fix` can work here, 1 otherwise.
    """
    findings = []
    for finding in examine(path):
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


def _show(finding: Finding) -> None:
    mark, colour = MARKS[finding.status]
    click.echo(f"{click.style(mark, fg=colour)}  {finding.name}: {finding.found}")
    if finding.remedy:
        click.echo(f"    → {finding.remedy}")
