"""Follows a run from a terminal or from CI to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import outputs

if TYPE_CHECKING:
    from agent.events import Done

INTERRUPTED = 130


def watch(run: Any, wanted: dict[str, Any]) -> int:
    """Show the run's events to its end and write what was asked for; the exit status."""
    from agent.cli.progress import Progress
    from agent.events import Done

    progress = Progress(run.id, quiet=wanted["quiet"], verbose=wanted["verbose"])
    done: Done | None = None
    try:
        with progress:
            for event in run.events(progress.approve):
                progress.show(event)
                done = event if isinstance(event, Done) else done
    except KeyboardInterrupt:
        click.echo(
            f"\nInterrupted; the repository is untouched. `agent resume {run.id}` goes on.",
            err=True,
        )
        return INTERRUPTED
    assert done is not None, "a run that ends without an error ends with Done"
    outputs.write(done, wanted)
    progress.conclude(done)
    if run.task.pull_request:
        _propose(done)
    return done.exit_status


def _propose(done: Done) -> None:
    """Open the pull request that was asked for, or say how; raises NotPublished."""
    from agent import pull_request
    from agent.report import Report

    report = Report.model_validate_json(Path(done.report_path).read_bytes())
    if not report.commit:
        click.echo("No pull request: nothing was committed.", err=True)
        return
    body = Path(done.summary_path)
    made = pull_request.propose(report, body, lambda text: click.echo(text, err=True))
    if made.url:
        click.echo(f"Pull request: {made.url}", err=True)
        return
    click.echo(
        f"No pull request was opened: {made.why}. To open it, with {body} as text:", err=True
    )
    for command in made.commands:
        click.echo(f"  {command}", err=True)
