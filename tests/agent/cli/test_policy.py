"""What the policy is, and what it says to a call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.cli import main
from tools.protection import USUAL


def test_show_is_json_of_what_is_in_force(home: Path) -> None:
    result = CliRunner().invoke(main, ["policy", "show"])
    shown = json.loads(result.output)
    assert shown["version"]
    assert ["ruff", "check"] in [command["argv"] for command in shown["commands"]]
    assert shown["budgets"]["identical_calls"] == 3
    assert all(map(USUAL.covers, shown["protected_names"]))
    assert all(USUAL.covers(f"{folder}/x") for folder in shown["protected_folders"])


@pytest.mark.parametrize(
    ("tool", "arguments", "verdict", "status"),
    [
        ("read_file", '{"path": "a.py"}', "allow (read_file.ordinary)", 0),
        ("read_file", '{"path": "../a.py"}', "deny (path.refused)", 1),
        ("write_file", '{"path": "a.py", "content": ""}', "allow (write_file.ordinary)", 0),
        ("write_file", '{"path": "conftest.py", "content": ""}', "needs_approval (write.prot", 1),
        ("write_file", '{"path": ".git/x", "content": ""}', "deny (write.version-control)", 1),
        ("run_command", '{"argv": ["ruff", "check"]}', "allow", 0),
        ("run_command", '{"argv": ["sh"]}', "deny (command.unlisted)", 1),
        ("run_command", "{}", "deny (arguments.schema)", 1),
        ("run_tests", "{}", "deny (tool.unknown)", 1),
        ("read_file", "{", "deny (arguments.json)", 1),
    ],
)
def test_check_says_what_a_call_would_get(
    home: Path, tool: str, arguments: str, verdict: str, status: int
) -> None:
    result = CliRunner().invoke(main, ["policy", "check", tool, arguments])
    assert result.output.startswith(verdict)
    assert result.exit_code == status


def test_the_users_and_the_repositorys_file_are_shown_and_checked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, repository = tmp_path / "own.toml", tmp_path / "repo"
    repository.mkdir()
    own.write_text('version = "1"\nwritable = ["conftest.py"]\n')
    (repository / ".locum-policy.toml").write_text(
        'version = "1"\nforbidden_tools = ["read_file"]\nunattended = "everything"\n'
    )
    monkeypatch.setenv("LOCUM_POLICY", str(own))

    def policy(*words: str | Path) -> Result:
        return CliRunner().invoke(main, ["policy", *map(str, words)])

    shown = json.loads(policy("show", "--repo", repository).output)
    assert shown["sources"] == [str(own), str(repository / ".locum-policy.toml")]
    assert shown["version"].startswith("1+")
    conftest = '{"path": "conftest.py", "content": ""}'
    assert policy("check", "write_file", conftest).exit_code == 0
    read = ("check", "read_file", '{"path": "a.py"}')
    assert policy(*read).exit_code == 0
    refused = policy(*read, "--repo", repository)
    assert (refused.exit_code, "tool.forbidden" in refused.output) == (1, True)
    files = policy("check", "--repo", repository)
    assert (files.exit_code, "may not have everything applied" in files.output) == (0, True)
    assert policy("check", "--file", own).exit_code == 0
    own.write_text("version = 3\n")
    for words in (("check", "--file", own), ("check",), ("show",)):
        broken = policy(*words)
        assert (broken.exit_code, "is no policy" in broken.output) == (2, True)
