"""`agent schema`: the forms of what other programs read and write."""

from __future__ import annotations

import json

import click

NAMES = ("report", "event")


@click.command()
@click.argument("name", type=click.Choice(NAMES), default=NAMES[0])
def schema(name: str) -> None:
    """Print the JSON Schema of NAME: `report`, what --json writes, or `event`, one line of a run.

    Within a version fields are added, never renamed or removed; the version is part of `$id`.

    \b
    Example:
      agent schema report > report.schema.json
    """
    from agent.schema import SCHEMAS

    click.echo(json.dumps(SCHEMAS[name](), indent=2))
