"""A folder of snapshots."""

from __future__ import annotations

import shutil
from pathlib import Path

from snapback.checksum import checksum
from snapback.manifest import Difference, Manifest
from snapback.patterns import Patterns

MANIFEST = "manifest.json"
FILES = "files"


class Archive:
    """Keeps the newest snapshots of a folder: `snapshot.1` is the newest."""

    def __init__(self, home: Path, keep: int = 3) -> None:
        if keep < 1:
            raise ValueError("at least one snapshot must be kept")
        self.home = home
        self.keep = keep
        home.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return sum(1 for number in range(1, self.keep + 1) if self.path(number).is_dir())

    def path(self, number: int) -> Path:
        return self.home / f"snapshot.{number}"

    def manifest(self, number: int = 1) -> Manifest:
        """What a snapshot holds; raises LookupError when there is none of that number."""
        path = self.path(number) / MANIFEST
        if not path.exists():
            raise LookupError(f"no snapshot {number}")
        return Manifest.read(path)

    def take(self, folder: Path, patterns: Patterns | None = None) -> Difference:
        """Add a snapshot and return what is new in it; nothing is kept when nothing is."""
        current = Manifest.of(folder, patterns)
        earlier = self.manifest() if len(self) else Manifest()
        difference = current.since(earlier)
        if not difference:
            return difference
        self._rotate()
        target = self.path(1) / FILES
        for name in current.files:
            _copy(folder / name, target / name)
        current.write(self.path(1) / MANIFEST)
        return difference

    def verify(self, number: int = 1) -> list[str]:
        """The files of a snapshot that are missing or damaged."""
        files = self.path(number) / FILES
        return [
            name
            for name, expected in sorted(self.manifest(number).files.items())
            if not (files / name).is_file() or checksum(files / name) != expected
        ]

    def restore(self, folder: Path, number: int = 1) -> Difference:
        """Make a folder what it was, and return what had become different.

        Files that the snapshot does not have are removed, with folders that become empty.
        """
        wanted = self.manifest(number)
        difference = Manifest.of(folder).since(wanted)
        for name in difference.removed + difference.changed:
            _copy(self.path(number) / FILES / name, folder / name)
        for name in difference.added:
            _remove(folder / name, folder)
        return difference

    def _rotate(self) -> None:
        """Make room for a new snapshot: each older one moves up, the oldest goes."""
        oldest = self.path(self.keep)
        if oldest.exists():
            shutil.rmtree(oldest)
        for number in range(self.keep - 1, 1, -1):
            if self.path(number).exists():
                self.path(number).rename(self.path(number + 1))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _remove(path: Path, top: Path) -> None:
    """Delete a file and the folders that it leaves empty, up to `top`."""
    path.unlink()
    for folder in path.parents:
        if folder == top or any(folder.iterdir()):
            return
        folder.rmdir()
