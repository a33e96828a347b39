"""The command group: quick help, exit statuses, sentences instead of traces."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

import agent.cli
from agent.cli import COMMANDS, main
from agent.cli.examples import EXAMPLES
from agent.deps import Cancelled
from agent.errors import Unusable
from runtime.errors import ServerFailed
from tools.errors import NoTests


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes `agent doctor` raise."""

    def install(error: BaseException) -> None:
        def fail() -> None:
            raise error

        command = click.command()(fail)
        monkeypatch.setattr(agent.cli.LazyGroup, "get_command", lambda *_: command)

    return install


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NoTests("There are no tests."), 2, "agent: There are no tests."),
        (ServerFailed("The server died."), 4, "agent: The server died."),
        (Unusable("No such path."), 2, "agent: No such path."),
        (Cancelled("The run was stopped."), 130, "agent: The run was stopped."),
        (PermissionError(13, "Permission denied", "/x"), 2, "agent: /x: Permission denied."),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (click.Abort(), 130, "Interrupted."),
        (ZeroDivisionError("oh"), 4, "Internal error (ZeroDivisionError: oh); `agent --debug"),
    ],
)
def test_errors_become_a_sentence_and_a_status(
    failing: Callable[[BaseException], None], error: BaseException, status: int, words: str
) -> None:
    failing(error)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == status
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_where(failing: Callable[[BaseException], None]) -> None:
    failing(ZeroDivisionError("oh"))
    assert isinstance(CliRunner().invoke(main, ["--debug", "doctor"]).exception, ZeroDivisionError)


def test_every_command_exists_and_helps() -> None:
    for name, entry in COMMANDS.items():
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, name
        assert entry.summary in CliRunner().invoke(main, ["--help"]).output


def test_examples_are_of_commands_and_options_that_exist() -> None:
    for name, examples in EXAMPLES.items():
        shown = CliRunner().invoke(main, [name, "--help"]).output
        for line, _ in examples:
            assert line in shown
            words = shlex.split(line)
            words = words[words.index("agent") + 1 :]
            assert words[0] == name
            command: click.Command = main
            context = click.Context(main)
            while isinstance(command, click.Group):
                found = command.get_command(context, words.pop(0))
                assert found is not None, line
                command, context = found, click.Context(found, parent=context)
            command.make_parser(context).parse_args(words)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom agent.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'langgraph', 'openai', 'pydantic', 'httpx', 'llama_cpp', 'textual', 'rich'}\n"
        "print('HEAVY', heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY set()" in done.stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("explian", "There is no command 'explian'; did you mean `agent explain`?"),
        (".", "There is no command '.'; did you mean `agent fix .`?"),
        ("xyzzy", "There is no command 'xyzzy'."),
    ],
)
def test_unknown_commands_are_usage_errors(typed: str, meant: str) -> None:
    result = CliRunner().invoke(main, [typed])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {meant}"


def test_every_option_says_what_it_is_for() -> None:
    """A bare `--seed INTEGER` helps nobody."""
    bare = [
        f"{path} {option.opts[-1]}"
        for path, command in leaves(main, "agent")
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert bare == []


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by all its names."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from leaves(inner, f"{path} {name}")


def test_every_command_shows_an_example() -> None:
    for name in COMMANDS:
        shown = CliRunner().invoke(main, [name, "--help"]).output
        assert re.search(r"^  Examples?[:,]", shown, re.MULTILINE), name


def test_the_version_is_that_of_the_distribution() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.startswith("agent (locum) 0.")
