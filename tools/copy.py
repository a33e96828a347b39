"""The byte copy of a repository that all work happens in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.beneath import parse
from tools.errors import RefusedPath, UnusableRepository

SKIPPED_DIRECTORIES = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__"),
        *(".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)
MOST_BYTES = 4 * 1024**3
MOST_FILES = 200_000
_FICLONE = 0x40049409
_CHUNK = 1024 * 1024


class CopiedFile(BaseModel):
    """A regular file as it was when the copy was made."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    mode: int
    size: int


class Manifest(BaseModel):
    """What was copied, by path relative to the repository with POSIX separators."""

    model_config = ConfigDict(frozen=True)

    source: str
    files: dict[str, CopiedFile] = {}
    links: dict[str, str] = {}
    directories: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    """Left out: unreadable, not a file (sockets, FIFOs, devices), or not nameable as a path."""


def copy_repository(source: Path, target: Path) -> Manifest:
    """Copy modes, links (as links) and bytes; no version control, environments or caches.

    Raises `UnusableRepository` if `source` is no readable directory or too large.
    """
    files: dict[str, CopiedFile] = {}
    links: dict[str, str] = {}
    directories: list[str] = []
    skipped: list[str] = []
    total = 0
    target.mkdir(parents=True)
    for path, entry in _walk(source, "", skipped):
        try:
            if entry.is_symlink():
                link = str(Path(entry.path).readlink())
                if _is_text(link):
                    links[path] = link
                    (target / path).symlink_to(link)
                else:
                    skipped.append(path)
            elif entry.is_dir():
                (target / path).mkdir()
                directories.append(path)
            elif entry.is_file():
                files[path] = _copy_file(entry.path, target / path)
                total += files[path].size
            else:
                skipped.append(path)
        except PermissionError:
            skipped.append(path)
        if total > MOST_BYTES or len(files) > MOST_FILES:
            raise UnusableRepository(
                f"{source} is larger than {MOST_BYTES // 1024**3} GiB or {MOST_FILES:,} files; "
                "point at the part of it that is to be fixed."
            )
    return Manifest(
        source=str(source),
        files=files,
        links=links,
        directories=tuple(directories),
        skipped=tuple(skipped),
    )


def _walk(root: Path, below: str, skipped: list[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry to copy, parents before what they hold."""
    try:
        entries = sorted(os.scandir(root / below), key=lambda entry: entry.name)
    except OSError as error:
        if not below:
            raise UnusableRepository(f"{root} cannot be read: {error.strerror}.") from error
        skipped.append(below)
        return
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if entry.name == ".git":  # a directory, or a file that points to one
            continue
        if not _nameable(path):
            skipped.append(path.encode("utf-8", "backslashreplace").decode())
            continue
        if not entry.is_dir(follow_symlinks=False):
            yield path, entry
        elif entry.name not in SKIPPED_DIRECTORIES and not _is_environment(entry):
            yield path, entry
            yield from _walk(root, path, skipped)


def _nameable(path: str) -> bool:
    """Control characters and bytes that are no text can neither be recorded nor asked for."""
    try:
        parse(path)
    except RefusedPath:
        return False
    return True


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8, as the system hands them out
        return False
    return True


def _is_environment(entry: os.DirEntry[str]) -> bool:
    return os.path.lexists(os.path.join(entry.path, "pyvenv.cfg"))  # noqa: PTH118


def _copy_file(source: str, target: Path) -> CopiedFile:
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as reader, target.open("xb") as writer:
        found = os.fstat(reader.fileno())
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
        mode = stat.S_IMODE(found.st_mode)
        os.fchmod(writer.fileno(), mode | stat.S_IRUSR | stat.S_IWUSR)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return CopiedFile(sha256=digest.hexdigest(), mode=mode, size=size)


def clone_tree(source: Path, target: Path, manifest: Manifest) -> None:
    """A second copy of what `copy_repository` made, sharing blocks where the disk can."""
    target.mkdir(parents=True)
    for directory in manifest.directories:
        (target / directory).mkdir()
    for path, link in manifest.links.items():
        (target / path).symlink_to(link)
    for path in manifest.files:
        clone_file(source / path, target / path)


def clone_file(source: Path, target: Path) -> None:
    """Make `target` from `source` with its mode and times; it must not exist yet."""
    with source.open("rb") as reader, target.open("xb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:  # most file systems cannot
            shutil.copyfileobj(reader, writer, _CHUNK)
    shutil.copystat(source, target)
