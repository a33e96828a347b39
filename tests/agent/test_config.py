"""Settings: which source wins, and what is said of a source that cannot be understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import config
from agent.errors import Unusable


@pytest.fixture(autouse=True)
def _nothing_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in config.KEYS:
        monkeypatch.delenv(key.variable, raising=False)
    monkeypatch.setenv("LOCUM_CONFIG", str(home / "config.toml"))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    return root


def test_the_strongest_source_wins(repo: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def budget(flags: dict[str, float] | None = None) -> tuple[float, str]:
        found = config.resolve(repo, flags)
        return found["budget"], found.sources["budget"]

    assert budget() == (300.0, "default")
    (home / "config.toml").write_text('budget = "10m"\n')
    assert budget() == (600.0, f"user ({home / 'config.toml'})")
    (repo / "pyproject.toml").write_text("[tool.locum]\nbudget = 20\n")
    assert budget() == (20.0, "repository (pyproject.toml)")
    (repo / "locum.toml").write_text("budget = 30.0\n")
    assert budget() == (30.0, "repository (locum.toml)")
    monkeypatch.setenv("LOCUM_BUDGET", "40s")
    assert budget() == (40.0, "environment (LOCUM_BUDGET)")
    assert budget({"budget": 50.0}) == (50.0, "flag")


def test_every_setting_can_be_set_by_its_user(home: Path, repo: Path) -> None:
    lines = [f"{key.name} = {key.example}" for key in config.KEYS]
    (home / "config.toml").write_text("\n".join(lines))
    found = config.resolve(repo)
    assert {source.partition(" ")[0] for source in found.sources.values()} == {"user"}
    assert found["budget"] == 300.0
    assert found["allow_plain_http"] is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("budget = [", "is not TOML"),
        ("budget = 'soon'", "not a length of time"),
        ("budget = true", "not a length of time"),
        ("budget = nan", "no number"),
        ("candidates = 0", "not between 1 and 20"),
        ("candidates = 2.5", "no whole number"),
        ("only = 'everything'", "none of: bugs, all"),
        ("buget = '5m'", "did you mean budget?"),
        ("allow_plain_http = 'perhaps'", "neither true nor false"),
        ("model = ''", "is no text"),
        ("a = " + "[" * 5000 + "]" * 5000, "is not TOML"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(
    home: Path, repo: Path, text: str, words: str
) -> None:
    (home / "config.toml").write_text(text)
    with pytest.raises(Unusable, match=r"config\.toml") as raised:
        config.resolve(repo)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_variable_that_cannot_be_understood(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUM_CANDIDATES", "many")
    with pytest.raises(Unusable, match="LOCUM_CANDIDATES: candidates: 'many' is no whole number"):
        config.resolve(repo)


def test_a_pyproject_of_other_programs_is_none_of_ours(repo: Path) -> None:
    (repo / "pyproject.toml").write_text("[tool.other\nbroken")
    assert config.resolve(repo).sources["budget"] == "default"


def test_names_may_be_written_with_dashes(repo: Path, home: Path) -> None:
    (home / "config.toml").write_text('test-cmd = "pytest -q"')
    assert config.resolve(repo)["test_cmd"] == "pytest -q"
