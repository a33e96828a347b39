"""What a folder holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from snapback.checksum import checksum
from snapback.patterns import Patterns


@dataclass(frozen=True)
class Difference:
    """How a folder differs from an earlier state; paths are sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass
class Manifest:
    """The checksum of each file by its path, with `/` between folders."""

    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, patterns: Patterns | None = None) -> Manifest:
        chosen = patterns or Patterns()
        found = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not chosen.excludes(name):
                found[name] = checksum(path)
        return cls(found)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.files, indent=1, sort_keys=True), encoding="utf-8")

    def since(self, earlier: Manifest) -> Difference:
        """What has changed from an earlier manifest to this one."""
        return Difference(
            added=tuple(sorted(self.files.keys() - earlier.files.keys())),
            changed=tuple(
                sorted(
                    name
                    for name in self.files.keys() & earlier.files.keys()
                    if self.files[name] != earlier.files[name]
                )
            ),
            removed=tuple(sorted(earlier.files.keys() - self.files.keys())),
        )
