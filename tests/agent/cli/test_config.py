"""`agent config show`, `agent init`, `agent completion`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent import config, home
from agent.cli import COMMANDS, main
from agent.state import Task


@pytest.fixture(autouse=True)
def _nothing_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in config.KEYS:
        monkeypatch.delenv(key.variable, raising=False)


def agent(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


def test_show_says_where_each_value_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locum.toml").write_text('only = "bugs"\nendpoint = "https://x/v1"\n')
    monkeypatch.setenv("LOCUM_SEED", "7")
    rows = dict(
        line.split(None, 1) for line in agent("config", "show", tmp_path).stdout.splitlines()
    )
    assert rows["only"].split(None, 1)[1] == "repository (locum.toml)"
    assert rows["seed"].split() == ["7", "environment", "(LOCUM_SEED)"]
    assert rows["endpoint"].split() == ["-", "default"]
    assert rows["budget"].split() == ["5m", "default"]
    assert rows["allow_plain_http"].split() == ["false", "default"]
    assert rows.keys() == config.BY_NAME.keys()
    shown = json.loads(agent("config", "show", tmp_path, "--json").stdout)
    assert shown["settings"]["seed"] == {"value": 7, "source": "environment (LOCUM_SEED)"}
    assert "endpoint, which only you may set" in shown["ignored"][0]


def test_show_of_a_place_that_is_none(tmp_path: Path) -> None:
    result = agent("config", "show", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "is not a directory" in result.stderr


@pytest.mark.parametrize("text", ["90s", "5m", "60m", "1.5s"])
def test_a_length_of_time_is_written_as_it_is_read(text: str) -> None:
    assert config.duration(config.seconds(text)) == text


def test_init_writes_a_file_that_says_everything_and_sets_nothing(tmp_path: Path) -> None:
    assert agent("init", tmp_path).exit_code == 0
    text = (tmp_path / "locum.toml").read_text()
    assert tomllib.loads(text) == {}
    live = "".join(line.removeprefix("#") + "\n" for line in text.splitlines() if " = " in line)
    assert tomllib.loads(live).keys() == {k.name for k in config.KEYS if k.from_repository}
    (tmp_path / "locum.toml").write_text(live)
    assert config.resolve(tmp_path).ignored == (), "its examples are all allowed"
    again = agent("init", tmp_path)
    assert again.exit_code == 2
    assert "was left as it is" in again.stderr
    assert (tmp_path / "locum.toml").read_text() == live
    assert agent("init", tmp_path / "nowhere").exit_code == 2


def test_init_for_the_user(home: Path) -> None:
    assert agent("init", "--user").exit_code == 0
    text = config.user_file().read_text()
    assert config.user_file().is_relative_to(home)
    assert all(f"#{key.name} = " in text for key in config.KEYS)


def test_init_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "locum.toml").symlink_to(tmp_path / "elsewhere")
    assert agent("init", tmp_path).exit_code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_completion_scripts_name_the_program() -> None:
    for shell in ("zsh", "fish", "bash"):
        assert "_AGENT_COMPLETE" in agent("completion", shell).stdout
    assert agent("completion", "cmd").exit_code == 2


def complete(*words: str) -> list[str]:
    """What a shell is told, by the program itself."""
    code = (
        "import sys\nfrom agent.cli import main\n"
        "try:\n    main(prog_name='agent')\n"
        "finally:\n    heavy = {'pydantic', 'langgraph', 'rich'} & set(sys.modules)\n"
        "    print('HEAVY', heavy, file=sys.stderr)"
    )
    environment = {
        **os.environ,
        "_AGENT_COMPLETE": "zsh_complete",
        "COMP_WORDS": " ".join(["agent", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    if len(words) == 1:
        assert "HEAVY set()" in done.stderr, done.stderr
    return done.stdout.split("\n")[1::3]


def test_the_shell_completes_commands_options_and_runs(home_of_a_run: str) -> None:
    assert complete("") == list(COMMANDS)
    assert complete("e") == ["explain"]
    assert "--test-cmd" in complete("fix", "--te")
    for command in ("resume", "show", "log", "replay", "undo", "stop"):
        assert complete(command, "") == [home_of_a_run]


@pytest.fixture
def home_of_a_run(tmp_path: Path) -> str:
    run_id, _ = home.new_run(Task(path=str(tmp_path), model="none"))
    return run_id
