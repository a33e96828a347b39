"""Test files of a repository, found by name and told apart by their syntax."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

DEFAULT_PATTERNS = ("test_*.py", "*_test.py", "tests.py", "test.py")
_SKIPPED = frozenset({
    "venv", "env", "node_modules", "__pycache__", "site-packages", "dist-packages",
    "build", "dist", "_build",
})  # fmt: skip
_MOST_FILES = 50_000
_MOST_READ = 200
_LARGEST = 2 * 1024 * 1024


@dataclass(frozen=True)
class TestFiles:
    """What the tree holds."""

    __test__ = False

    paths: tuple[str, ...]
    """Relative, POSIX, sorted."""
    has_conftest: bool
    pytest_style: bool
    """Some file needs pytest: imports it, or has test functions outside `unittest` classes."""
    unittest_style: bool


def find_test_files(root: Path, patterns: Sequence[str] = ()) -> TestFiles:
    """Files whose names match pytest's or unittest's usual patterns, or `patterns`."""
    wanted = tuple(patterns) or DEFAULT_PATTERNS
    paths, conftest = [], False
    for path in _python_files(root):
        name = path.rpartition("/")[2]
        conftest = conftest or name == "conftest.py"
        if any(fnmatch(name, pattern) or fnmatch(path, pattern) for pattern in wanted):
            paths.append(path)
    styles = [_style(root / path) for path in paths[:_MOST_READ]]
    return TestFiles(
        paths=tuple(sorted(paths)),
        has_conftest=conftest,
        pytest_style=any("pytest" in style for style in styles),
        unittest_style=any("unittest" in style for style in styles),
    )


def _python_files(root: Path) -> Iterator[str]:
    seen = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        for name in files:
            seen += 1
            if seen > _MOST_FILES:
                return
            if name.endswith(".py"):
                yield Path(folder, name).relative_to(root).as_posix()


def _style(path: Path) -> frozenset[str]:
    try:
        if path.stat().st_size > _LARGEST:
            return frozenset()
        source = path.read_bytes()
    except OSError:
        return frozenset()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return _style_of_broken(source)
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= {"pytest"} if node.name.startswith("test") else set()
        elif isinstance(node, ast.ClassDef):
            found.add(_class_style(node))
        elif isinstance(node, ast.Import):
            found |= {"pytest"} if any(a.name == "pytest" for a in node.names) else set()
        elif isinstance(node, ast.ImportFrom) and node.module == "pytest":
            found.add("pytest")
    return frozenset(found)


def _class_style(node: ast.ClassDef) -> str:
    if not node.bases:
        return "pytest" if node.name.startswith("Test") else ""
    return "unittest" if any("Test" in ast.unparse(base) for base in node.bases) else ""


def _style_of_broken(source: bytes) -> frozenset[str]:
    if b"import pytest" in source or b"\ndef test" in source:
        return frozenset({"pytest"})
    return frozenset({"unittest"}) if b"unittest" in source else frozenset()
