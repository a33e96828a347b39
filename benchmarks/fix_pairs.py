"""Small bug fixes of public histories: one Python function before and after, nothing else.

A commit counts when its message speaks of a bug, it changes one source file that is no test by a
few lines, and one function (of a class or of the module) differs in its tree without docstrings.
Both sides are written out from their trees, so comments and layout play no part.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.repair.python.language import PythonLanguage
from agent.repair.python.parsed import Function, definitions, parse

MESSAGE = r"\b(fix(e[sd])?|bugs?|closes?[sd]?|resolves?d?|regression|wrong(ly)?|incorrect(ly)?)\b"
NOISE = re.compile(
    r"\b(typos?|lint|mypy|flake8|type hints?|typing|docs?|docstrings?|pep ?8)\b", re.I
)
MAX_LINES = 3
"""Added, and removed, of the source file."""
MAX_SOURCE = 200_000
"""Characters of the file before the fix."""
MAX_FUNCTION = 6_000
"""Characters of the mended function."""

LANGUAGE = PythonLanguage()


@dataclass(frozen=True)
class FixPair:
    repository: str
    commit: str
    name: str
    """Dotted name of the function in `before`."""
    before: str
    """The whole file."""
    after: str
    """The function alone, mended."""


def fix_pairs(mirror: Path, until: str, excluded: frozenset[str]) -> Iterator[FixPair]:
    """Fixes of one bare repository dated before `until` (YYYY-MM-DD), the latest first.

    Raises CalledProcessError when git cannot read the repository.
    """
    seen: set[tuple[str, str]] = set()
    for commit, path in _small_changes(mirror, until):
        if commit in excluded:
            continue
        before, after = (_blob(mirror, f"{at}:{path}") for at in (f"{commit}~1", commit))
        if not before or not after or len(before) > MAX_SOURCE:
            continue
        pair = _pair(mirror.parent.name, commit, before, after)
        if pair and (pair.name, pair.after) not in seen:
            seen.add((pair.name, pair.after))
            yield pair


def _small_changes(mirror: Path, until: str) -> Iterator[tuple[str, str]]:
    """Commit and path of each change of a single source file by a few lines."""
    chosen = ("--all", "--no-merges", "--no-renames", f"--before={until}")
    wanted = ("-i", "-P", f"--grep={MESSAGE}")
    log = _git(mirror, "log", *chosen, *wanted, "--numstat", "--format=%x00%H %s")
    for entry in log.split("\0")[1:]:
        head, *rows = [line for line in entry.splitlines() if line.strip()]
        commit, _, subject = head.partition(" ")
        changes = [row.split("\t") for row in rows]
        sources = [c for c in changes if len(c) == 3 and _is_source(c[2])]
        if len(sources) == 1 and not NOISE.search(subject):
            added, removed, path = sources[0]
            if 1 <= max(int(added), int(removed)) <= MAX_LINES:
                yield commit, path


def _is_source(path: str) -> bool:
    return LANGUAGE.owns(path) and not LANGUAGE.is_test(path)


def _git(mirror: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(mirror), *arguments], capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


def _blob(mirror: Path, name: str) -> str:
    """A file of a commit, empty when it is not there."""
    try:
        return _git(mirror, "cat-file", "blob", name)
    except subprocess.CalledProcessError:
        return ""


def _pair(repository: str, commit: str, before: str, after: str) -> FixPair | None:
    """The function that differs; None when it is not exactly one, or the rest differs too."""
    old, new = parse(before), parse(after)
    if old is None or new is None:
        return None
    _strip_docstrings(old)
    _strip_docstrings(new)
    here, there = dict(_functions(old)), dict(_functions(new))
    if here.keys() != there.keys():
        return None
    changed = [name for name in here if ast.dump(here[name]) != ast.dump(there[name])]
    if len(changed) != 1:
        return None
    fixed = there[changed[0]]
    text = ast.unparse(old)
    here[changed[0]].body = fixed.body
    here[changed[0]].args, here[changed[0]].decorator_list = fixed.args, fixed.decorator_list
    after = ast.unparse(fixed)
    if ast.dump(old) != ast.dump(new) or len(after) > MAX_FUNCTION:
        return None
    return FixPair(repository, commit, changed[0], text, after)


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Functions outside functions; of equal names the last one is the one that counts."""
    outer: list[str] = []
    for name, node in definitions(tree):
        inside = any(name.startswith(other + ".") for other in outer)
        if isinstance(node, Function) and not inside:
            outer.append(name)
            yield name, node
