"""The sandbox that hidden tests run in, proven once."""

import pytest

from agent.bench.trees import TreeTests
from tools.sandbox import choose


@pytest.fixture(scope="session")
def tree_tests() -> TreeTests:
    return TreeTests(choose())
