"""Tasks that are folders: `NAME/repo/` is mended, `NAME/hidden/` is kept from it until then."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from agent.bench.case import Built, Unsound
from agent.bench.trees import TreeTests
from agent.errors import Unusable
from tools.copy import copy_repository

REPO, HIDDEN, ABOUT = "repo", "hidden", "task.toml"
TEST_FOLDERS = ("tests", "test")


@dataclass(frozen=True)
class FolderCase:
    folder: Path
    kinds: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.folder.name

    def build(self, root: Path, tests: TreeTests) -> Built:  # noqa: ARG002 (it is built already)
        inner = self.folder / REPO
        copy_repository(inner if inner.is_dir() else self.folder, root)
        if not inner.is_dir():
            shutil.rmtree(root / HIDDEN, ignore_errors=True)
            (root / ABOUT).unlink(missing_ok=True)
        hidden = self._hidden(root)
        return Built(hidden, "" if hidden else "It has no hidden tests.")

    def _hidden(self, root: Path) -> dict[str, bytes]:
        """Beside the repository's own tests, so that their fixtures serve the hidden ones too."""
        beside = next((name for name in TEST_FOLDERS if (root / name).is_dir()), "")
        source = self.folder / HIDDEN
        found: dict[str, bytes] = {}
        for file in sorted(source.rglob("*")) if source.is_dir() else ():
            if file.is_file() and "__pycache__" not in file.parts:
                target = Path(beside) / file.relative_to(source)
                if (root / target).exists():
                    target = target.with_name(target.name.replace("test_", "test_hidden_", 1))
                if (root / target).exists():
                    raise Unsound(f"{file} would replace a file of the repository; rename it.")
                found[target.as_posix()] = file.read_bytes()
        return found


def load(directory: Path) -> list[FolderCase]:
    """The tasks in a directory, by name; raises Unusable when there is none, OSError."""
    folders = [p for p in directory.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))]
    if not folders:
        raise Unusable(f"There is no repository in {directory}; give a folder of folders.")
    return [FolderCase(folder, _kinds(folder / ABOUT)) for folder in sorted(folders)]


def _kinds(file: Path) -> tuple[str, ...]:
    if not file.is_file():
        return ()
    try:
        kinds = tomllib.loads(file.read_text("utf-8")).get("kinds", [])
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"{file} is not TOML: {error}.") from error
    return tuple(str(kind) for kind in kinds)
