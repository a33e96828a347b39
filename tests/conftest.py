"""What tests share: a home of their own, a git identity, and the real models."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.models import ModelStore, default_root

# Looked up before any test moves HOME: a gigabyte is not fetched for each test.
_MODELS = default_root()


@pytest.fixture(scope="session")
def model_file() -> Callable[[str], Path]:
    """Gives the verified file of a model by its id; fetches it when this machine has none."""
    store = ModelStore(_MODELS)
    return lambda model: store.pull(model)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: nothing that a test does is kept in the user's own; models are shared."""
    directory = tmp_path / "home"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCUM_STATE", str(directory / "state"))
    monkeypatch.setenv("LOCUM_CACHE", str(_MODELS.parent))
    monkeypatch.delenv("CI", raising=False)
    return directory


@pytest.fixture
def git_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets git commit, whatever the machine's own configuration says."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
