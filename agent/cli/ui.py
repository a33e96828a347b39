"""`agent ui`: runs watched and decided on a screen, in the terminal or in a browser."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from agent.cli.settings import complete_run
from agent.errors import Unusable


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--web", is_flag=True, help="Serve it to a browser on this machine instead.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="With --web; default: a free one."
)
@click.option(
    "--theme",
    metavar="NAME",
    default="locum",
    show_default=True,
    help="locum, locum-light, high-contrast, ansi-dark (the terminal's own colours), or one of "
    "those that the command palette lists.",
)
@click.option(
    "--replay",
    metavar="RUN",
    default="",
    shell_complete=complete_run,
    help="Show the events of a run again.",
)
@click.option("--test-cmd", metavar="CMD", help="How to run the tests; default: found out.")
@click.option(
    "--branch", metavar="NAME", default="", help="Commit what is approved on this branch."
)
@click.option("--model", metavar="ID", help="Model id or GGUF file.")
@click.option("--endpoint", metavar="URL", help="Use this OpenAI-compatible server (…/v1).")
@click.option("--allow-unsandboxed", is_flag=True, help="Run the tests even without a sandbox.")
@click.pass_context
def ui(
    ctx: click.Context,
    /,
    path: Path | None,
    web: bool,
    port: int,
    theme: str,
    replay: str,
    test_cmd: str | None,
    branch: str,
    model: str | None,
    endpoint: str | None,
    allow_unsandboxed: bool,
) -> None:
    """Watch runs, decide on patches and look at earlier runs, on a screen.

    PATH is the repository that the first screen offers to mend; nothing starts by itself. With
    --web the address that is printed holds a token: whoever has it can use the screen.
    """
    if path is not None and not path.is_dir():
        raise Unusable(f"{path} is not a directory; give the path of a repository.")
    if web:
        from tui.web.server import serve

        click.echo("Serving on this machine only, until Ctrl-C. Open:", err=True)
        serve(shlex.join(_again(ctx)), port, click.echo)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and not _in_browser():
        raise Unusable("The screen needs a terminal; use `agent fix` without one, or --web.")
    from tui.app import LocumApp
    from tui.options import Options

    wanted = {"test_cmd": test_cmd, "model": model, "endpoint": endpoint}
    given = {name: value for name, value in wanted.items() if value is not None}
    options = Options(given, branch, allow_unsandboxed)
    LocumApp(path, theme=theme, options=options, replay=replay).run()


def _again(ctx: click.Context) -> list[str]:
    """The same command without a server, for the process behind a browser tab."""
    words = [sys.executable, "-P", "-m", "agent", "ui"]
    for parameter in ctx.command.params:
        value = ctx.params.get(parameter.name or "")
        if not value or parameter.name in ("path", "web", "port"):
            continue
        words.append(parameter.opts[0])
        words += [] if value is True else [str(value)]
    path = ctx.params["path"]
    return words if path is None else [*words, "--", str(path.resolve())]


def _in_browser() -> bool:
    """Whether a web server holds our ends: Textual's driver is named then."""
    return "TEXTUAL_DRIVER" in os.environ
