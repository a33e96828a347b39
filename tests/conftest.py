"""What tests share: a home of their own, a git identity, and the real models."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from runtime.client import Endpoint
from runtime.engine_api import Engine
from runtime.models import ModelStore, default_root
from runtime.server import create_app

Serve = Callable[[Engine], Endpoint]
# Looked up before any test moves HOME: a gigabyte is not fetched for each test.
_MODELS = default_root()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and children inherit it: none could be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A model wants both cores: another test beside it would slow both down tenfold."""
    for item in items:
        if isinstance(item, pytest.Function) and "model_file" in item.fixturenames:
            item.add_marker(pytest.mark.alone)


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


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server around an engine; it ends with the test."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(engine: Engine) -> Endpoint:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(32)
        app = create_app(engine, "secret", "fake")
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread))
        return Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "secret", "fake")

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()
