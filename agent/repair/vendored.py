"""Files that are not the repository's own work: vendored, generated, installed or built."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

FOREIGN_FOLDERS = frozenset(
    {"vendor", "vendored", "_vendor", "third_party", "thirdparty", "external", "extern",
     "node_modules", "site-packages", "dist-packages", "build", "dist", ".git", ".hg", ".tox",
     ".nox", ".venv", "venv", "__pycache__", ".eggs", ".mypy_cache", ".ruff_cache",
     ".pytest_cache", "generated"}
)  # fmt: skip
GENERATED_SUFFIXES = ("_pb2.py", "_pb2_grpc.py", ".min.js", ".generated.py")
MAX_FILES = 5_000


def is_vendored(path: str) -> bool:
    """Whether a repository-relative path is code that nobody here writes by hand."""
    pure = PurePosixPath(path)
    return bool(FOREIGN_FOLDERS & set(pure.parts[:-1])) or pure.name.endswith(GENERATED_SUFFIXES)


def own_files(root: Path) -> Iterator[str]:
    """Repository-relative files that are not vendored, sorted by folder; at most 5,000."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in FOREIGN_FOLDERS)
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(root).as_posix()
            if not is_vendored(path):
                count += 1
                if count > MAX_FILES:
                    return
                yield path
