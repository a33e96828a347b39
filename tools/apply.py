"""Writing approved files to the user's tree: all of them or none, whenever the power fails.

A write-ahead journal is on disk before the first file changes: for each file its hash before and
after, and a copy of both contents. Files are written beside their targets, then renamed over
them. A journal left "prepared" by a crash is rolled forward, or back if the user meanwhile
changed one of its files.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.beneath import Root, parse, stage
from tools.errors import ApplyConflict, RefusedPath, ToolsError

_JOURNAL = "journal.json"


class Stage(StrEnum):
    """How far the journal's changes got."""

    PREPARED = "prepared"
    DONE = "done"
    UNDONE = "undone"


class Change(BaseModel):
    """One file's way from its content before to its content after; None is no file."""

    model_config = ConfigDict(frozen=True)

    path: str
    before: str | None
    after: str | None
    mode: int = 0o644

    def turned(self) -> Change:
        return self.model_copy(update={"before": self.after, "after": self.before})


class _Record(BaseModel):
    stage: Stage
    token: str
    changes: tuple[Change, ...]
    made: tuple[str, ...] = ()
    """Directories that do not exist yet, outer ones first."""


class Journal:
    """The journal of one run's changes to `tree`, kept in `home`."""

    def __init__(self, home: Path, tree: Path) -> None:
        self._home = home
        self._tree = tree

    def apply(self, changes: Sequence[Change], contents: Iterable[bytes]) -> None:
        """Make all `changes`; `contents` are all their contents, before and after.

        Raises `ApplyConflict`, and leaves the tree as it was, if a file is not as it was before,
        or cannot be written. A file that already is as it shall be is no conflict.
        """
        if not changes:
            return
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _opened(self._tree) as root:
            _check(root, changes)
            for content in contents:
                _keep(self._home, content)
            record = self._with_earlier(changes, tuple(_missing_directories(root, changes)))
            self._save(record)
            self._perform(root, record, Stage.DONE)

    def undo(self) -> tuple[str, ...]:
        """Take back what was applied, and give the paths.

        Raises `ApplyConflict` if the user changed one since, `ToolsError` if nothing was applied.
        """
        record = self._load()
        if record is None or record.stage is not Stage.DONE:
            raise ToolsError("This run has applied nothing that could be undone.")
        with _opened(self._tree) as root:
            turned = tuple(change.turned() for change in record.changes)
            _check(root, turned, "undone")
            self._perform(root, record.model_copy(update={"changes": turned}), Stage.UNDONE)
            _remove_directories(root, record.made)
        return tuple(change.path for change in record.changes)

    def recover(self) -> bool:
        """Finish what a crash interrupted; True if the changes are in the tree afterwards."""
        record = self._load()
        if record is None:
            return False
        if record.stage is not Stage.PREPARED:
            return record.stage is Stage.DONE
        with _opened(self._tree) as root:
            _remove_temporaries(root, record)
            try:
                _check(root, record.changes)
            except ApplyConflict:
                self._roll_back(root, record)
                return False
            self._perform(root, record, Stage.DONE)
        return True

    def _with_earlier(self, changes: Sequence[Change], made: tuple[str, ...]) -> _Record:
        """A new record that also tells what this run applied before, so that undo takes it all."""
        earlier = self._load()
        kept: tuple[Change, ...] = ()
        if earlier is not None and earlier.stage is Stage.DONE:
            paths = {change.path for change in changes}
            kept = tuple(change for change in earlier.changes if change.path not in paths)
            made = (*earlier.made, *made)
        return _Record(
            stage=Stage.PREPARED, token=os.urandom(6).hex(), changes=(*kept, *changes), made=made
        )

    def _perform(self, root: Root, record: _Record, end: Stage) -> None:
        try:
            for change in record.changes:
                self._stage(root, change, record.token)
            for change in record.changes:
                _put_in_place(root, change, record.token)
        except (OSError, RefusedPath) as error:
            _remove_temporaries(root, record)
            self._roll_back(root, record)
            raise ApplyConflict(
                f"{self._tree} cannot be written ({_reason(error)}); it was left as it was."
            ) from error
        self._save(record.model_copy(update={"stage": end, "changes": self._kept(record, end)}))

    @staticmethod
    def _kept(record: _Record, end: Stage) -> tuple[Change, ...]:
        if end is Stage.UNDONE:  # the journal always tells the way forward
            return tuple(change.turned() for change in record.changes)
        return record.changes

    def _stage(self, root: Root, change: Change, token: str) -> None:
        folder, _, name = change.path.rpartition("/")
        if change.after is None or _current(root, change.path) == change.after:
            return
        content = (self._home / change.after).read_bytes()
        with root.directory(folder, create=True) as parent:
            present = root.stat(change.path)
            mode = stat.S_IMODE(present.st_mode) if present else change.mode
            temporary = _temporary(name, token)
            stage(parent, temporary, content, mode, durable=True)
            if present and (present.st_uid, present.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):  # only root may give a file back to its owner
                    os.chown(temporary, present.st_uid, present.st_gid, dir_fd=parent)

    def _roll_back(self, root: Root, record: _Record) -> None:
        for change in record.changes:
            with suppress(OSError, RefusedPath):
                if _current(root, change.path) == change.after != change.before:
                    back = change.turned()
                    self._stage(root, back, record.token)
                    _put_in_place(root, back, record.token)
        _remove_directories(root, record.made)
        self._save(record.model_copy(update={"stage": Stage.UNDONE}))

    def _save(self, record: _Record) -> None:
        _write_durably(self._home, _JOURNAL, record.model_dump_json().encode())

    def _load(self) -> _Record | None:
        try:
            return _Record.model_validate(json.loads((self._home / _JOURNAL).read_bytes()))
        except FileNotFoundError:
            return None


def digest(content: bytes | None) -> str | None:
    """The SHA-256 that a journal knows `content` by; None for no file."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def _opened(tree: Path) -> Root:
    if not tree.is_dir():
        raise ApplyConflict(f"{tree} is no longer there, so nothing was applied.")
    return Root(tree)


def _check(root: Root, changes: Sequence[Change], deed: str = "applied") -> None:
    for change in changes:
        parse(change.path)
        try:
            current = _current(root, change.path)
        except (OSError, RefusedPath) as error:
            raise ApplyConflict(f"{_reason(error)} Nothing was {deed}.") from error
        if current not in (change.before, change.after):
            raise ApplyConflict(f"{change.path} was changed meanwhile, so nothing was {deed}.")
        if current != change.after:
            _check_writable(root, change.path, deed)


def _check_writable(root: Root, path: str, deed: str) -> None:
    """Root may write anywhere: a tree that its owner made read-only is left alone all the same."""
    while True:
        found = root.stat(path)
        if found is not None:
            if not stat.S_IMODE(found.st_mode) & stat.S_IWUSR:
                raise ApplyConflict(f"{path or root.path} is read-only, so nothing was {deed}.")
            if stat.S_ISDIR(found.st_mode):
                return
        path = path.rpartition("/")[0]


def _current(root: Root, path: str) -> str | None:
    try:
        return digest(root.read(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _missing_directories(root: Root, changes: Sequence[Change]) -> list[str]:
    missing: list[str] = []
    for change in changes:
        parts = change.path.split("/")[:-1] if change.after is not None else []
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in missing and root.stat(folder) is None:
                missing.append(folder)
    return missing


def _put_in_place(root: Root, change: Change, token: str) -> None:
    folder, _, name = change.path.rpartition("/")
    if _current(root, change.path) == change.after:
        return
    with root.directory(folder) as parent:
        if change.after is None:
            os.unlink(name, dir_fd=parent)
        else:
            os.rename(_temporary(name, token), name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)


def _remove_temporaries(root: Root, record: _Record) -> None:
    for change in record.changes:
        folder, _, name = change.path.rpartition("/")
        with suppress(OSError, RefusedPath), root.directory(folder) as parent:
            os.unlink(_temporary(name, record.token), dir_fd=parent)


def _remove_directories(root: Root, made: Sequence[str]) -> None:
    for path in reversed(made):
        folder, _, name = path.rpartition("/")
        with suppress(OSError, RefusedPath), root.directory(folder) as parent:
            os.rmdir(name, dir_fd=parent)


def _temporary(name: str, token: str) -> str:
    return f".{name[:200]}.{token}"


def _keep(home: Path, content: bytes) -> None:
    _write_durably(home, hashlib.sha256(content).hexdigest(), content)


def _write_durably(folder: Path, name: str, content: bytes) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    temporary = f".{name}.new"
    try:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=descriptor)
        stage(descriptor, temporary, content, 0o600, durable=True)
        os.rename(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
