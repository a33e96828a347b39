"""A workspace to attack, what lies outside of it, and each sandbox."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from field import SECRET, Field

from tools.errors import SandboxUnavailable
from tools.sandbox import NoSandbox, Sandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.sandbox.landlock import Landlock
from tools.workspace import Workspace


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    (folder / "file").write_text("content\n")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The user's repository."""
    root = tmp_path / "repo"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("import os\nx = 1\n")
    (root / "tüte.txt").write_text("inside\n")
    return root


@pytest.fixture
def field(source: Path, outside: Path, tmp_path: Path, best_sandbox: Sandbox) -> Iterator[Field]:
    workspace = Workspace.create(source, tmp_path / "run")
    twin = workspace.root.with_name(workspace.root.name + "-evil")
    twin.mkdir()
    (twin / "secret").write_text(SECRET)
    yield Field.around(workspace, outside, best_sandbox)
    workspace.close()


@pytest.fixture(scope="session")
def best_sandbox() -> Sandbox:
    for make in (Bubblewrap, Landlock):
        try:
            return make()
        except SandboxUnavailable:
            continue
    return NoSandbox()


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def confined(request: pytest.FixtureRequest) -> Sandbox:
    """Each backend that confines, in turn."""
    make: Callable[[], Sandbox] = Bubblewrap if request.param == "bubblewrap" else Landlock
    try:
        return make()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def free() -> Sandbox:
    """No confinement, for positive controls."""
    return NoSandbox(allow_unsandboxed=True)


@pytest.fixture
def secret_descriptor(outside: Path) -> Iterator[int]:
    descriptor = os.open(outside / "secret", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)
