"""`agent ci`: tells the CI service that is running us what a report says."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(
    epilog="""\b
    Example, in a step of GitHub Actions:
      agent fix . --yes --json report.json --summary summary.md || true
      agent ci report.json --summary summary.md
    """
)
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--folder", metavar="FOLDER", default="", help="Where the repository lies in the checkout."
)
@click.option(
    "--summary",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Markdown for the job's page.",
)
def ci(report: Path, folder: str, summary: Path | None) -> None:
    """Tell GitHub Actions what REPORT (of --json) says: annotations at the lines, outputs, summary.

    Annotations go to standard output, outputs to $GITHUB_OUTPUT and the summary to
    $GITHUB_STEP_SUMMARY, where those are set. The exit status is 0 whatever the report says.
    """
    from agent import ci
    from agent.errors import Unusable
    from agent.report import Report

    try:
        found = Report.model_validate_json(report.read_bytes())
    except ValueError as error:
        raise Unusable(f"{report} is no report of `agent fix --json`.") from error
    for line in ci.commands(found, folder):
        click.echo(line)
    _append("GITHUB_OUTPUT", ci.environment_file(ci.outputs(found)))
    if summary is not None:
        _append("GITHUB_STEP_SUMMARY", summary.read_text("utf-8"))


def _append(variable: str, text: str) -> None:
    file = os.environ.get(variable)
    if file:
        with Path(file).open("a", encoding="utf-8") as target:
            target.write(text)
