"""Tasks that are folders: `NAME/repo/` is mended, `NAME/hidden/` is kept from it until then."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.bench.case import Built, Unsound
from agent.bench.reference import Reference
from agent.bench.trees import TreeTests
from agent.errors import Unusable
from tools.copy import copy_repository

REPO, HIDDEN, ABOUT = "repo", "hidden", "task.toml"
TEST_FOLDERS = ("tests", "test")
ENVIRONMENTS = (".venv", "venv")
"""Left where they are: they are large, and a copy of one would not work."""


class About(BaseModel):
    """What `task.toml` may say; other keys are for people."""

    model_config = ConfigDict(frozen=True)

    kinds: tuple[str, ...] = ()
    fail_to_pass: tuple[str, ...] = ()
    """Tests that fail and must pass. With them, other tests may fail as they did before."""
    pass_to_pass: tuple[str, ...] = ()
    """Tests that must go on passing, beside those in the files of `fail_to_pass`."""
    test_command: str | None = None
    source_file: str = ""
    functions: tuple[str, ...] = ()
    """What the right mend changed in `source_file`; for the report only."""

    @property
    def reference(self) -> Reference | None:
        known = self.source_file and self.functions
        return Reference(self.source_file, self.functions) if known else None


@dataclass(frozen=True)
class FolderCase:
    folder: Path
    about: About

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.about.kinds

    def build(self, root: Path, tests: TreeTests) -> Built:  # noqa: ARG002 (it is built already)
        inner = self.folder / REPO
        source = inner if inner.is_dir() else self.folder
        copy_repository(source, root)
        if source is self.folder:
            shutil.rmtree(root / HIDDEN, ignore_errors=True)
            (root / ABOUT).unlink(missing_ok=True)
        hidden = self._hidden(root)
        about = self.about
        return Built(
            hidden,
            "" if hidden or about.fail_to_pass else "It has no hidden tests.",
            targets=about.fail_to_pass,
            guarded=about.pass_to_pass,
            test_command=about.test_command,
            environment=_environment(source),
            reference=about.reference,
        )

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
    return [FolderCase(folder, _about(folder / ABOUT)) for folder in sorted(folders)]


def _about(file: Path) -> About:
    if not file.is_file():
        return About()
    try:
        return About.model_validate(tomllib.loads(file.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"{file} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Unusable(f"{file} is no task: {where}: {first['msg']}.") from error


def _environment(source: Path) -> Path | None:
    own = (source.resolve() / name for name in ENVIRONMENTS)
    return next((folder for folder in own if (folder / "pyvenv.cfg").is_file()), None)
