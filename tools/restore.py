"""Putting a tree back that untrusted code wrote to, possibly while it still runs.

Everything goes through directory descriptors: a folder swapped for a link at the wrong moment
must not lead a deletion out of the tree.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from tools.beneath import Root
from tools.removal import open_for_owner, remove_tree


def reopen(root: Root, folders: Iterable[str]) -> list[str]:
    """Give the owner back what a program took away from these folders, outer ones first.

    Nobody but root could else write into a folder that a test made read-only. Returns those.
    """
    opened: list[str] = []
    for path in folders:
        found = root.stat(path)
        if found is None or not stat.S_ISDIR(found.st_mode):
            continue
        if stat.S_IMODE(found.st_mode) & stat.S_IRWXU != stat.S_IRWXU:
            above, _, name = path.rpartition("/")
            with root.directory(above) as parent, suppress(OSError):
                open_for_owner(name or ".", parent)
            opened.append(path)
    return opened


def remove_all_but(root: Root, files: Collection[str], folders: Collection[str]) -> list[str]:
    """Delete what is in neither; `files` are files and links. Returns what was deleted."""
    removed: list[str] = []
    pending = [""]
    while pending:
        below = pending.pop()
        with root.directory(below) as folder:
            for entry in list(os.scandir(folder)):
                path = f"{below}/{entry.name}" if below else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder and path in folders:
                    pending.append(path)
                elif is_folder:
                    remove_tree(entry.name, within=folder)
                    removed.append(path)
                elif path not in files:
                    os.unlink(entry.name, dir_fd=folder)
                    removed.append(path)
    return removed


def repair_links(root: Root, links: Mapping[str, str]) -> list[str]:
    """Make every link in `links` lead where it did. Returns those that did not."""
    repaired: list[str] = []
    for path, target in links.items():
        folder, _, name = path.rpartition("/")
        with root.directory(folder, create=True) as parent:
            if _target(name, parent) != target:
                root.remove(path)
                os.symlink(target, name, dir_fd=parent)
                repaired.append(path)
    return repaired


def _target(name: str, parent: int) -> str | None:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:  # missing, or no link any more
        return None
