"""`agent stop` and `agent undo`: end runs at once, and take back what one applied."""

from __future__ import annotations

import click

from agent import home
from agent.cli.settings import complete_run, run_argument
from agent.errors import NoSuchRun
from tools.policy import stop_file


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=complete_run)
@click.option("--all", "everything", is_flag=True, help="Every run, and keep new ones out.")
@click.option("--lift", is_flag=True, help="Let runs begin again after --all.")
def stop(run_id: str | None, everything: bool, lift: bool) -> None:
    """Stop RUN within a second, whatever it is doing; without RUN the latest unfinished one.

    The repository is left as it is, and `agent resume` goes on with the run.
    """
    if sum((run_id is not None, everything, lift)) > 1:
        raise click.UsageError("RUN, --all and --lift exclude each other.")
    switch = stop_file(home.state_root())
    if lift:
        switch.unlink(missing_ok=True)
        click.echo("Runs may begin again.")
    elif everything:
        switch.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        switch.touch()
        click.echo("Every run is stopped, and none can begin until `agent stop --lift`.")
    else:
        name = run_id or _latest_unfinished()
        _, directory = home.find_run(name)
        (directory / home.STOP).touch()
        click.echo(f"Run {name} is stopped; `agent resume {name}` goes on with it.")


def _latest_unfinished() -> str:
    for run_id in home.run_ids():
        if not (home.runs_root() / run_id / "report.json").is_file():
            return run_id
    raise NoSuchRun("No run is unfinished, so there is nothing to stop.")


@click.command()
@run_argument
def undo(run_id: str) -> None:
    """Take back what RUN applied to its repository.

    Nothing is touched when one of the files was changed since.
    """
    from agent import undoing

    undone = undoing.undo(run_id)
    task, _ = home.find_run(run_id)
    click.echo(f"Taken back in {task.path}: {', '.join(undone)}")
