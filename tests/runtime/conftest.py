"""Engines with real models, and a port that is taken."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.engine import LlamaEngine, Settings


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
