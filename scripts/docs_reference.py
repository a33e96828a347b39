"""Pages of the reference, made from the code while mkdocs builds: they cannot fall behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from agent import config, schema
from agent.cli import COMMANDS, main


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs with the files that it found."""
    for name, text in (("commands", commands()), ("settings", settings()), ("schema", schemas())):
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def commands() -> str:
    """The help of every command."""
    lines = ["# Commands", ""]
    with click.Context(main, info_name="agent") as context:
        for name in COMMANDS:
            command = main.get_command(context, name)
            assert command is not None, name
            lines += _command(command, context, name)
    return "\n".join(lines)


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent, max_content_width=100) as context:
        yield from (
            f"## {context.command_path}",
            "",
            "```text",
            command.get_help(context),
            "```",
            "",
        )
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None, inner
                yield from _command(found, context, inner)


def settings() -> str:
    """Every setting, its variable, its default, and whether a repository may set it."""
    rows = [
        f"| `{key.name}` | `{key.variable}` | `{key.default}` | {_repository(key)} | {key.help} |"
        for key in config.KEYS
    ]
    head = "| key | variable | default | in a repository's file | |\n|---|---|---|---|---|"
    return "\n".join(["# Settings", "", "The strongest source first: option, variable, "
                      "repository, user, default.", "", head, *rows, ""])  # fmt: skip


def _repository(key: config.Key) -> str:
    if key.from_repository is None:
        return "ignored"
    return {"budget": "up to 30 minutes", "approve": "only `dry-run`"}.get(key.name, "yes")


def schemas() -> str:
    """The published JSON Schemas."""
    lines = ["# Forms", "", "As `agent schema` prints them.", ""]
    for name, make in schema.SCHEMAS.items():
        found: dict[str, Any] = make()
        text = json.dumps(found, indent=2)
        lines += [f"## {name}", "", f"`{found['$id']}`", "", "```json", text, "```", ""]
    return "\n".join(lines)
