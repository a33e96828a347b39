"""What the policy is, and what it says to a call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import main
from tools.policy import is_protected


def test_show_is_json_of_what_is_in_force(home: Path) -> None:
    result = CliRunner().invoke(main, ["policy", "show"])
    shown = json.loads(result.output)
    assert shown["version"]
    assert ["ruff", "check"] in [command["argv"] for command in shown["commands"]]
    assert shown["budgets"]["identical_calls"] == 3
    assert all(map(is_protected, shown["protected_names"]))
    assert all(is_protected(f"{folder}/x") for folder in shown["protected_folders"])


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
