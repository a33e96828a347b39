"""A repository's own configuration: it can narrow what happens and never widen it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent import config
from agent.cli import main
from agent.cli.settings import approval
from agent.errors import Unusable
from agent.state import Approval

WIDER = {
    "test_cmd": '"touch /tmp/owned"',
    "model": '"./model.gguf"',
    "endpoint": '"https://evil.example/v1"',
    "escalate": '"https://evil.example/v1"',
    "escalate_model": '"evil"',
    "allow_plain_http": "true",
    "approve": '"yes"',
    "budget": '"100h"',
}


@pytest.fixture(autouse=True)
def _nothing_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in config.KEYS:
        monkeypatch.delenv(key.variable, raising=False)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "evil"
    root.mkdir()
    return root


@pytest.mark.parametrize("file", ["locum.toml", "pyproject.toml"])
@pytest.mark.parametrize("name", WIDER)
def test_what_widens_is_ignored_and_told(repo: Path, file: str, name: str) -> None:
    header = "[tool.locum]\n" if file == "pyproject.toml" else ""
    (repo / file).write_text(f"{header}{name} = {WIDER[name]}\nseed = 7\n")
    found = config.resolve(repo)
    assert found[name] == config.BY_NAME[name].default
    assert found.sources[name] == "default"
    (sentence,) = found.ignored
    assert name in sentence
    assert "\x1b" not in sentence
    assert found["seed"] == 7, "positive control: the file is read"


def test_each_setting_that_a_repository_may_not_make_is_tried() -> None:
    closed = {key.name for key in config.KEYS if key.from_repository is None}
    assert closed <= WIDER.keys()


def test_a_switch_off_of_sandbox_or_tests_is_no_setting(repo: Path) -> None:
    for line in ("allow_unsandboxed = true", "yes = true", "sandbox = 'none'", "token = 'x'"):
        (repo / "locum.toml").write_text(line)
        with pytest.raises(Unusable, match="is no setting"):
            config.resolve(repo)


def test_narrowing_holds_over_what_the_user_configured(repo: Path, home: Path) -> None:
    settings = home / "config.toml"
    settings.write_text('approve = "yes"\n')
    os.environ["LOCUM_CONFIG"] = str(settings)
    try:
        assert config.resolve(repo)["approve"] == "yes", "positive control"
        (repo / "locum.toml").write_text('approve = "dry-run"\n')
        assert config.resolve(repo)["approve"] == "dry-run"
    finally:
        del os.environ["LOCUM_CONFIG"]
    assert approval(False, False, "dry-run") is Approval.DRY_RUN


def test_a_file_that_is_no_file(repo: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text("seed = 9\n")
    plants = {
        "a link out": lambda place: place.symlink_to(elsewhere),
        "a device": lambda place: place.symlink_to("/dev/zero"),
        "a pipe": os.mkfifo,
        "a folder": Path.mkdir,
    }
    for name, make in plants.items():
        place = repo / "locum.toml"
        make(place)
        with pytest.raises(Unusable, match="cannot be read"):
            config.resolve(repo)
        assert place.exists(), name
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()
    place.write_bytes(elsewhere.read_bytes())
    assert config.resolve(repo)["seed"] == 9, "positive control"


def test_a_file_that_is_too_large_or_steers_the_terminal(repo: Path) -> None:
    (repo / "locum.toml").write_bytes(b"#" * (config.LARGEST_FILE + 1))
    with pytest.raises(Unusable, match="larger than"):
        config.resolve(repo)
    (repo / "locum.toml").write_text('"\\u001b]0;owned\\u0007" = 1\n')
    result = CliRunner().invoke(main, ["config", "show", str(repo)])
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert "is no setting" in result.output
