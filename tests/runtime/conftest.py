"""A server around a fake engine, on a real socket."""

import importlib.util
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import uvicorn

from runtime.client import Endpoint
from runtime.engine import LlamaEngine, Settings
from runtime.engine_api import Engine
from runtime.server import create_app

Serve = Callable[[Engine], Endpoint]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# Test folders are no packages, so helpers beside the tests are loaded by their path.
for helper in ("fake_engine", "asking"):
    _load(helper)


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


@pytest.fixture
def serve_port() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


@pytest.fixture(scope="session")
def engine(model_file: Callable[[str], Path]) -> Iterator[LlamaEngine]:
    settings = Settings(context=1024, slots=8, waiting=4)
    loaded = LlamaEngine(model_file("smollm2-135m"), settings)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def coder(model_file: Callable[[str], Path]) -> Iterator[LlamaEngine]:
    loaded = LlamaEngine(model_file("qwen2.5-coder-1.5b"), Settings(context=2048))
    yield loaded
    loaded.close()
