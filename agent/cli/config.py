"""`agent config show` and `agent init`: where each setting comes from, and a file to set it in."""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent import config as settings
from agent.errors import Unusable
from tools.text import one_line

NAME = "locum.toml"


@click.group()
def config() -> None:
    """Say which settings hold, and where each came from."""


@config.command()
@click.argument("path", type=click.Path(), default=".")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(path: str, as_json: bool) -> None:
    """The settings of a run on PATH without any option, and where each came from.

    The strongest first: flag, environment (LOCUM_BUDGET …), the repository's locum.toml or
    [tool.locum] in its pyproject.toml, your own file, default. A repository's file can choose
    budget (up to 30 minutes), only, candidates and seed, and forbid applying (approve =
    "dry-run"); anything else in it is ignored and told.
    """
    if not Path(path).is_dir():
        raise Unusable(f"{path} is not a directory; give the path of a repository.")
    found = settings.resolve(Path(path))
    if as_json:
        rows = {k: {"value": v, "source": found.sources[k]} for k, v in found.values.items()}
        click.echo(json.dumps({"settings": rows, "ignored": found.ignored}, indent=2))
        return
    width = max(map(len, found.values))
    shown = {name: one_line(_told(name, value), 60) or "-" for name, value in found.values.items()}
    longest = max(map(len, shown.values()))
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {value:<{longest}}  {one_line(found.sources[name])}")
    for sentence in found.ignored:
        click.echo(sentence, err=True)
    click.echo(f"Your own file: {settings.user_file()}", err=True)


def _told(name: str, value: object) -> str:
    """A value as it would be written into a configuration file."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return settings.duration(float(str(value))) if name == "budget" else str(value)


@click.command(
    epilog="""\b
    Examples:
      agent init          ./locum.toml, for everybody who works on this repository
      agent init --user   your own file, for all repositories
    """
)
@click.argument("path", type=click.Path(), default=".")
@click.option("--user", is_flag=True, help="Write your own configuration file instead.")
def init(path: str, user: bool) -> None:
    """Write a commented configuration into PATH; nothing in it is set yet.

    A file that is there already is left as it is.
    """
    file = settings.user_file() if user else Path(path) / NAME
    if user:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif not file.parent.is_dir():
        raise Unusable(f"{path} is not a directory; give the path of a repository.")
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(commented(for_repository=not user))
    except FileExistsError as error:
        raise Unusable(f"There is {file} already; it was left as it is.") from error
    click.echo(f"Wrote {file}; `agent config show` says which settings hold.")


def commented(*, for_repository: bool) -> str:
    """A configuration file in which every setting stands, commented out."""
    said = (
        "Settings of locum for everybody who works on this repository."
        if for_repository
        else "Your settings of locum; options, LOCUM_… variables and a repository come first."
    )
    lines = [f"# {said}", "# Take the # from a line to set it; `agent config show` tells the rest."]
    for key in settings.KEYS:
        if for_repository and key.from_repository is None:
            continue
        lines += ["", f"# {key.help}", f"#{key.name} = {key.example}"]
    if for_repository:
        lines += ["", "# Model, servers, test command and approval are each user's own to choose."]
    return "\n".join(lines) + "\n"
