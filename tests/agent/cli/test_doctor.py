"""`agent doctor`: what it prints and what it returns."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from agent.cli import main
from agent.doctor import Finding

OK = Finding("git", "ok", "git version 2.39.5")
SLOW = Finding("SIMD", "warning", "none known", "Prefer a newer machine.")
NONE = Finding("model", "failed", "missing", "Run `agent model pull`.")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the examination find these findings."""

    def set_findings(*findings: Finding) -> None:
        monkeypatch.setattr("agent.cli.doctor.examine", lambda _: iter(findings))

    monkeypatch.setattr("agent.cli.doctor.examine", lambda _: iter([]))
    return set_findings


def test_warnings_do_not_fail(machine: Callable[..., None]) -> None:
    machine(OK, SLOW)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "ok  git: git version 2.39.5",
        "!!  SIMD: none known",
        "    → Prefer a newer machine.",
    ]


def test_a_lack_fails_with_its_remedy(machine: Callable[..., None]) -> None:
    machine(OK, NONE)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "no  model: missing\n    → Run `agent model pull`." in result.output


def test_programs_get_json(machine: Callable[..., None]) -> None:
    machine(OK, NONE)
    result = CliRunner().invoke(main, ["doctor", "--json"])
    report = json.loads(result.output)
    assert result.exit_code == 1
    assert (report["version"], report["works"]) == (1, False)
    assert report["findings"][1]["remedy"] == "Run `agent model pull`."


@pytest.mark.slow
@pytest.mark.model
def test_this_machine_can_fix(model_file: Callable[[str], object]) -> None:
    model_file("qwen2.5-coder-1.5b")
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
