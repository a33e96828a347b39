"""The documentation: it builds without a warning, and its commands are ones that exist."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from documented import PAGES, ROOT, lines

from agent import config
from agent.cli import COMMANDS, main


def commands(page: Path) -> list[str]:
    """Those of `agent`."""
    return [line for line in lines(page) if line.startswith("agent ")]


def problem(line: str) -> str:
    """What is wrong with a command line; empty when each of its words is understood."""
    given = [word for word in shlex.split(line, comments=True)[1:] if word != "…"]
    command: click.Command = main
    context = click.Context(main, info_name="agent")
    while isinstance(command, click.Group) and given and not given[0].startswith("-"):
        inner = command.get_command(context, given[0])
        if inner is None:
            return f"{given[0]} is no command"
        command, given = inner, given[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    try:
        command.make_parser(context).parse_args([*given])
    except click.UsageError as error:
        told = error.format_message()
        # A text may name an option without a value.
        named = len(given) == 1 and told.endswith("requires an argument.")
        return "" if named else told
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_commands_exist_with_their_options(page: Path) -> None:
    wrong = {line: told for line in commands(page) if (told := problem(line))}
    assert wrong == {}


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert problem("agent mend .") == "mend is no command"
    assert "--quick" in problem("agent fix . --quick")
    assert problem("agent fix . --yes  # comment") == ""
    assert sum(len(commands(page)) for page in PAGES) > 30


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    # Not --quiet: then warnings are not counted.
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(site)]
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


@pytest.mark.slow
def test_a_link_that_leads_nowhere_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# A\n\n[gone](gone.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\ntheme: mkdocs\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "gone.md" in done.stderr


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "reference/commands.html").read_text()
    assert all(f"agent {name}" in reference for name in COMMANDS)
    assert "--junit" in reference
    settings = (tmp_path / "reference/settings.html").read_text()
    assert all(key.variable in settings for key in config.KEYS)
    assert "urn:locum:report:1" in (tmp_path / "reference/schema.html").read_text()
    pages = [page.read_text() for page in tmp_path.rglob("*.html")]
    assert not any("fonts.googleapis" in page for page in pages)
