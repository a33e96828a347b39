"""Removing what untrusted code may have made: trees of any depth, folders of any mode, links."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(name: str | Path, *, within: int | None = None) -> None:
    """Remove a folder and all below it; what cannot be removed stays.

    `within` is a descriptor of the folder that `name` is relative to. No link is followed, also
    where somebody swaps a folder for one meanwhile. Python's own `rmtree` calls itself for each
    folder, and ends with an error at a depth of a thousand; here inner folders are moved into the
    outermost one, and emptied there.
    """
    with suppress(OSError):
        open_for_owner(name, within)
        top = os.open(name, _FOLDER, dir_fd=within)
        try:
            waiting = list(_emptied(top))
            unique = secrets.token_hex(8)
            moved = 0
            while waiting:
                folder = waiting.pop()
                with suppress(OSError):
                    inner = os.open(folder, _FOLDER, dir_fd=top)
                    try:
                        for child in _emptied(inner):
                            moved += 1
                            with suppress(OSError):  # such as a place where something is mounted
                                new = f"{unique}{moved}"
                                os.rename(child, new, src_dir_fd=inner, dst_dir_fd=top)
                                waiting.append(new)
                    finally:
                        os.close(inner)
                    os.rmdir(folder, dir_fd=top)
        finally:
            os.close(top)
        os.rmdir(name, dir_fd=within)


def open_for_owner(name: str | Path, within: int | None) -> None:
    """Let the owner read, write and enter a folder, whatever its mode was; raises OSError.

    Through a descriptor of the folder itself: its name may be a link a moment later.
    """
    by_path = getattr(os, "O_PATH", 0)
    flags = by_path | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=within)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & stat.S_IRWXU == stat.S_IRWXU:
            return
        if by_path:
            Path(f"/proc/self/fd/{descriptor}").chmod(mode | stat.S_IRWXU)
        else:
            os.fchmod(descriptor, mode | stat.S_IRWXU)
    finally:
        os.close(descriptor)


def _emptied(folder: int) -> Iterator[str]:
    """Unlink all that is no folder; the names of the folders, which their owner may then open."""
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        with suppress(OSError):
            if entry.is_dir(follow_symlinks=False):
                open_for_owner(entry.name, folder)
                yield entry.name
            else:
                os.unlink(entry.name, dir_fd=folder)
