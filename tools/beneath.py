"""Files beneath one directory, opened so that no link and no race can lead out of it.

Checking a path and then opening it by name can be raced by whoever may write in the tree. Here
the kernel resolves the name itself, from a directory descriptor, refusing links (`openat2`);
elsewhere every component is opened from the one before it without following links.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import secrets
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.errors import RefusedPath, ToolsError, UnusableRepository
from tools.text import one_line

_OPENAT2 = 437
_NO_MAGIC_LINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_LONGEST_PATH, _LONGEST_NAME = 4000, 255
_DEEPEST = 100
"""Levels of a path, its last name included. Whoever calls himself for each folder in a folder, as
Python's own `rmtree` does, ends with an error at a thousand."""
_CHUNK = 1024 * 1024


def parse(path: str) -> str:
    """`path` as a clean relative POSIX path ('' for the root); raises `RefusedPath`."""
    shown = one_line(path, 80)
    try:
        encoded = path.encode()
    except UnicodeEncodeError as error:
        raise RefusedPath(f"{shown!r} is not valid text.") from error
    if any(byte < 32 or byte == 127 for byte in encoded):
        raise RefusedPath(f"{shown!r} has a control character in it.")
    if path.startswith(("/", "~")):
        raise RefusedPath(f"{shown!r} is not relative to the repository.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise RefusedPath(f"{shown!r} leads out of the repository.")
    if len(encoded) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise RefusedPath(f"{shown!r} is longer than a path can be.")
    if len(parts) > _DEEPEST:
        raise RefusedPath(f"{shown!r} lies more than {_DEEPEST} levels deep.")
    return "/".join(parts)


class Root:
    """A directory, and the files beneath it by relative path. A context manager."""

    def __init__(self, path: Path, *, portable: bool = False) -> None:
        """`portable` uses the component-wise walk even where the kernel has openat2."""
        self.path = path
        self._walk_by_hand = portable or not has_openat2()
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise UnusableRepository(f"{path} cannot be opened: {error.strerror}.") from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, path: str, flags: int = os.O_RDONLY, mode: int = 0) -> int:
        """A descriptor for `path`; the caller closes it.

        Raises `RefusedPath` for a path that leads out or through a link, `OSError` else.
        """
        name = parse(path) or "."
        opener = self._open_by_hand if self._walk_by_hand else self._open_in_kernel
        try:
            return opener(name, flags | _SAFE, mode)
        except OSError as error:
            # EXDEV: openat2 saw a way out; ELOOP: a link; ENXIO: a FIFO or socket.
            if error.errno in (errno.ELOOP, errno.EXDEV, errno.EMLINK):
                raise RefusedPath(f"{one_line(name, 80)!r} is or goes through a link.") from error
            if error.errno in (errno.ENXIO, errno.ENODEV):
                raise RefusedPath(f"{one_line(name, 80)!r} is not a regular file.") from error
            raise

    def _open_in_kernel(self, name: str, flags: int, mode: int) -> int:
        # Without O_NOFOLLOW, which says "not a directory" of a link where a folder is wanted.
        return _openat2(self._descriptor, name, flags & ~os.O_NOFOLLOW, mode)

    def _open_by_hand(self, name: str, flags: int, mode: int) -> int:
        *parents, last = name.split("/")
        current = os.dup(self._descriptor)
        try:
            for parent in parents:
                inner = _open_directory(parent, current)
                os.close(current)
                current = inner
            if flags & os.O_DIRECTORY:
                return _open_directory(last, current)
            return os.open(last, flags, mode, dir_fd=current)
        finally:
            os.close(current)

    @contextmanager
    def directory(self, path: str, *, create: bool = False) -> Iterator[int]:
        """A descriptor of the directory `path`, made with its parents if `create`."""
        if create:
            self.make_directory(parse(path))
        descriptor = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def make_directory(self, path: str) -> None:
        """Make the directory `path` and its parents, where they are missing."""
        made = ""
        for part in path.split("/") if path else ():
            with self.directory(made) as parent, suppress(FileExistsError):
                os.mkdir(part, dir_fd=parent)
            made = f"{made}/{part}" if made else part

    def stat(self, path: str) -> os.stat_result | None:
        """Of `path` itself, links not followed; None if there is nothing."""
        folder, _, name = parse(path).rpartition("/")
        try:
            with self.directory(folder) as parent:
                return os.stat(name or ".", dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str, limit: int | None = None) -> bytes:
        """The bytes of a regular file, at most `limit`. Raises `RefusedPath`, `OSError`."""
        descriptor = self.open(path)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise RefusedPath(f"{one_line(path, 80)!r} is not a regular file.")
            chunks: list[bytes] = []
            left = sys.maxsize if limit is None else limit
            while left > 0 and (chunk := os.read(descriptor, min(left, _CHUNK))):
                chunks.append(chunk)
                left -= len(chunk)
            return b"".join(chunks)
        finally:
            os.close(descriptor)

    def write(
        self, path: str, data: bytes, *, mode: int | None = None, modified: int | None = None
    ) -> None:
        """Replace or make `path` in one step, with its parents; keeps the mode it had.

        `modified` sets its time, in seconds. The file is renamed into place, so a planted link
        is replaced, never written through.
        """
        folder, _, name = parse(path).rpartition("/")
        if not name:
            raise RefusedPath("The repository itself cannot be written as a file.")
        with self.directory(folder, create=True) as parent:
            before = _regular(name, parent)
            kept = stat.S_IMODE(before.st_mode) if before else 0o644
            temporary = f".{secrets.token_hex(8)}"
            stage(parent, temporary, data, kept if mode is None else mode)
            try:
                if modified is not None:
                    os.utime(temporary, (modified, modified), dir_fd=parent)
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except OSError:
                os.unlink(temporary, dir_fd=parent)
                raise

    def remove(self, path: str) -> None:
        """Delete the file or link `path`; nothing happens if there is none."""
        folder, _, name = parse(path).rpartition("/")
        with suppress(FileNotFoundError), self.directory(folder) as parent:
            os.unlink(name, dir_fd=parent)


def stage(parent: int, name: str, data: bytes, mode: int, *, durable: bool = False) -> None:
    """Write `data` to the new file `name` in the directory `parent`; gone again if that fails."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
    descriptor = os.open(name, flags, 0o600, dir_fd=parent)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fchmod(descriptor, mode)
        if durable:
            os.fsync(descriptor)
    except OSError:
        os.unlink(name, dir_fd=parent)
        raise
    finally:
        os.close(descriptor)


def _regular(name: str, parent: int) -> os.stat_result | None:
    """What is there now, if it is a regular file; a directory raises `RefusedPath`."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise RefusedPath(f"{one_line(name, 80)!r} is a directory.")
    return found if stat.S_ISREG(found.st_mode) else None


def _open_directory(name: str, parent: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | _SAFE, dir_fd=parent)
    except NotADirectoryError:
        # With O_DIRECTORY a link is "not a directory": tell it from a file in the way.
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _openat2(directory: int, name: str, flags: int, mode: int) -> int:
    # struct open_how: flags, mode, resolve. Mode must be zero unless a file is created.
    created = mode if flags & os.O_CREAT else 0
    how = struct.pack("=QQQ", flags, created, _BENEATH | _NO_SYMLINKS | _NO_MAGIC_LINKS)
    for _ in range(100):
        result = _libc().syscall(
            ctypes.c_long(_OPENAT2), directory, os.fsencode(name), how, ctypes.c_size_t(len(how))
        )
        if result >= 0:
            return int(result)
        # EAGAIN: a rename elsewhere made the kernel unsure; EINTR: a signal.
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code), name)


@cache
def has_openat2() -> bool:
    """Whether this kernel resolves beneath a directory itself (Linux 5.6)."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return False
    try:
        descriptor = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(_openat2(descriptor, ".", os.O_RDONLY | os.O_CLOEXEC, 0))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def sentence(error: OSError | ToolsError, path: str) -> str:
    """What went wrong with `path`, for a reader."""
    if isinstance(error, ToolsError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"There is no file {one_line(path, 80)!r}."
    return f"{one_line(path, 80)!r}: {error.strerror or error}."
