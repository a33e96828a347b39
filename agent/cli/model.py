"""`agent model`: the models on this machine."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from runtime.models import DEFAULT_MODEL, ModelStore
from runtime.progress import Progress

PLAIN_EVERY = 5.0
"""Seconds between two progress lines where no line can be overwritten."""

MODEL_ARGUMENT = click.argument("model_id", metavar="[MODEL]", default=DEFAULT_MODEL)


@click.group()
def model() -> None:
    """List, fetch, verify or remove models.

    MODEL is an id of `agent model list`; the default one when it is left out.
    """


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_models(as_json: bool) -> None:
    """Show the models that are known and which of them are here."""
    import json

    stored = ModelStore().list()
    if as_json:
        rows = [
            {**one.spec.model_dump(mode="json"), "state": one.state, "path": str(one.path)}
            for one in stored
        ]
        click.echo(json.dumps({"version": 1, "models": rows}, indent=2))
        return
    width = max(len(one.spec.id) for one in stored)
    for one in stored:
        size = f"{one.spec.size / 1e6:.0f} MB"
        click.echo(f"{one.spec.id:<{width}}  {size:>8}  {one.state:<10}  {one.spec.title}")


@model.command()
@MODEL_ARGUMENT
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take this file instead of fetching, on a machine without network.",
)
def pull(model_id: str, source: Path | None) -> None:
    """Fetch MODEL; goes on where an interrupted try stopped."""
    with ProgressLine(model_id) as line:
        path = ModelStore().pull(model_id, line.show, source=source)
    click.echo(path)


@model.command()
@MODEL_ARGUMENT
def verify(model_id: str) -> None:
    """Hash the whole file again and compare."""
    with ProgressLine(model_id) as line:
        path = ModelStore().verify(model_id, line.show)
    click.echo(f"{path} is what it should be.")


@model.command("path")
@MODEL_ARGUMENT
def show_path(model_id: str) -> None:
    """Print where the verified file lies."""
    with ProgressLine(model_id) as line:
        path = ModelStore().path(model_id, line.show)
    click.echo(path)


@model.command("rm")
@click.argument("model_id", metavar="MODEL")
def remove(model_id: str) -> None:
    """Delete MODEL and what was fetched of it."""
    freed = ModelStore().remove(model_id)
    click.echo(f"{freed / 1e6:.0f} MB freed." if freed else f"{model_id} was not here.")


class ProgressLine:
    """A progress bar in a terminal, a line every few seconds anywhere else; on standard error."""

    def __init__(self, label: str) -> None:
        # Rich takes a tenth of a second to import: not before there is something to show.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        console = Console(stderr=True)
        self._label = label
        self._bars = (
            Bars(TextColumn("{task.description}"), BarColumn(), console=console, transient=True)
            if console.is_terminal
            else None
        )
        self._task = self._bars.add_task(label) if self._bars else None
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Take the latest news; prints only what is due."""
        text = f"{self._label}: {progress}"
        if self._bars and self._task is not None:
            self._bars.update(
                self._task, description=text, completed=progress.done, total=progress.total
            )
        elif progress.action == "waiting" or time.monotonic() - self._shown >= PLAIN_EVERY:
            self._shown = time.monotonic()
            click.echo(text, err=True)
