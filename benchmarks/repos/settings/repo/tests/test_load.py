from pathlib import Path

import pytest

from layered import Settings, SettingsError, load
from layered.schema import Level


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('name = "shop"\n[database]\npool_size = 9\n[logging]\nlevel = "warning"\n')
    return path


@pytest.fixture
def settings(toml: Path) -> Settings:
    return load([toml], {"APP_DATABASE__URL": "postgres://db", "HOME": "/root"})


def test_defaults() -> None:
    settings = load()
    assert (settings.name, settings.hosts, settings.timeout) == ("service", ("localhost",), 30.0)
    assert settings.logging.level is Level.INFO


def test_layers(settings: Settings) -> None:
    assert settings.name == "shop"
    assert settings.database.url == "postgres://db"
    assert settings.database.pool_size == 9
    assert settings.logging.level is Level.WARNING


def test_missing_file(tmp_path: Path) -> None:
    assert load([tmp_path / "none.toml"]).name == "service"


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"hosts": ["a", "b"], "timeout": 5}')
    settings = load([path])
    assert (settings.hosts, settings.timeout) == (("a", "b"), 5.0)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"APP_COLOUR": "red"}, "unknown setting colour"),
        ({"APP_DATABASE__PORT": "1"}, "unknown setting database.port"),
        ({"APP_DATABASE": "x"}, "database must be a table"),
    ],
)
def test_errors(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(environment=environment)


def test_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(SettingsError, match=r"broken\.json"):
        load([path])
