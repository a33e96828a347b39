"""The `agent` command: one module a command, imported only when that command is asked for.

Exit statuses: 0 done; 1 not (wholly) done; 2 the request or the repository is unusable;
3 not applied; 4 the model or the runtime failed; 130 interrupted.
"""

import errno
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

UNUSABLE = 2
RUNTIME_FAILED = 4
INTERRUPTED = 130


class Entry(NamedTuple):
    """Where a command lives and what `agent --help` says about it without importing it."""

    module: str
    attribute: str
    summary: str


COMMANDS = {
    "fix": Entry("agent.cli.fix", "fix", "Mend a repository whose tests fail."),
    "plan": Entry("agent.cli.look", "plan", "Say what would be mended; nothing is edited."),
    "explain": Entry("agent.cli.look", "explain", "Say why the tests fail; nothing is edited."),
    "ui": Entry("agent.cli.ui", "ui", "Watch runs and decide on patches, on a screen."),
    "resume": Entry("agent.cli.fix", "resume", "Go on with a run that was interrupted."),
    "stop": Entry("agent.cli.stop", "stop", "Stop a run, or all of them, within a second."),
    "undo": Entry("agent.cli.stop", "undo", "Take back what a run applied."),
    "runs": Entry("agent.cli.runs", "runs", "List the runs on this machine."),
    "show": Entry("agent.cli.runs", "show", "Show the summary of a run."),
    "log": Entry("agent.cli.runs", "log", "Show what a run did, line by line."),
    "replay": Entry("agent.cli.replay", "replay", "Make a run's tool calls again and compare."),
    "audit": Entry("agent.cli.runs", "audit", "Hold a run's record against its hash chain."),
    "policy": Entry("agent.cli.policy", "policy", "Say what the tools of a run may do."),
    "bench": Entry("agent.cli.bench", "bench", "Measure how many of a set of tasks are mended."),
    "model": Entry("agent.cli.model", "model", "List, fetch, verify or remove models."),
    "serve": Entry("agent.cli.serve", "serve", "Serve a model to other programs on this machine."),
    "mcp": Entry("agent.cli.serving", "mcp", "Serve other agents over the MCP."),
    "acp": Entry("agent.cli.serving", "acp", "Serve an editor over the ACP."),
    "init": Entry("agent.cli.config", "init", "Write a commented configuration file."),
    "config": Entry("agent.cli.config", "config", "Say where each setting came from."),
    "schema": Entry("agent.cli.schema", "schema", "Print the JSON Schema of the report."),
    "proxy": Entry("agent.cli.proxy", "proxy", "Heal another server's API for its clients."),
    "completion": Entry("agent.cli.completion", "completion", "Complete commands in your shell."),
    "ci": Entry("agent.cli.ci", "ci", "Tell GitHub Actions what a report says."),
    "doctor": Entry("agent.cli.doctor", "doctor", "Say what this machine has and what it lacks."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use, so that `agent --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        if command.epilog is None:
            from agent.cli.examples import epilog

            command.epilog = epilog(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; what is no command is answered with what was probably meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"There is no command {name!r}{_meant(name)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names without an import: a shell that waits for the heavy ones is no help."""
        names = [
            CompletionItem(name, help=entry.summary)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error becomes one sentence and its exit status."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            # Both come from Ctrl-C: click turns it into Abort while it prompts.
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if ctx.params.get("debug") or _is_closed_pipe(error):
                raise
            sentence, status = _explain(error)
            click.echo(f"agent: {sentence}", err=True)
            ctx.exit(status)


def _meant(name: str) -> str:
    """What somebody probably wanted who typed this for a command; ends the sentence."""
    if Path(name).is_dir():
        return f"; did you mean `agent fix {name}`?"
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, 1)
    return f"; did you mean `agent {near[0]}`?" if near else "."


def _is_closed_pipe(error: Exception) -> bool:
    """`agent … | head` closes our output early; click ends quietly then."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _explain(error: Exception) -> tuple[str, int]:
    # Imported here: a command that goes well must not pay for them.
    from agent.errors import AgentError
    from runtime.catalogue import UnknownModel
    from runtime.errors import RuntimeFailure
    from tools.errors import ToolsError

    if isinstance(error, AgentError):
        return str(error), error.exit_status
    if isinstance(error, UnknownModel):
        return str(error), UNUSABLE
    if isinstance(error, RuntimeFailure):
        return str(error), RUNTIME_FAILED
    if isinstance(error, ToolsError):
        return str(error), UNUSABLE
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}.", UNUSABLE
    kind = type(error).__name__
    return f"Internal error ({kind}: {error}); `agent --debug …` shows where.", RUNTIME_FAILED


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"agent (locum) {metadata.version('locum')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option("--debug", is_flag=True, help="Show the stack trace when something goes wrong.")
def main(debug: bool) -> None:
    """Mend failing tests with a small model that runs on this machine.

    No byte leaves the machine unless you name another endpoint.
    """
