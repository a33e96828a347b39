"""New Python test files: what the model is shown, which names they import, where they go."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from agent.repair.edit import SourceReader, read_source
from agent.repair.places import LINE_END
from agent.repair.prompt import fenced
from agent.repair.python.imports import module_parts
from agent.repair.python.parsed import Function, definitions, parse
from agent.repair.python.targets import is_test
from agent.repair.python.written import PLAIN_MODULES, file_with, harmless, single, undefined
from agent.repair.reports import WORD
from agent.repair.reproduce import Example
from agent.repair.rewrite import code_of
from agent.repair.seams import Suspect
from tools.text import head_and_tail

MAX_SHOWN, MAX_EXAMPLE = 2_200, 1_000
"""Characters of a suspect's code and of the example that the model is shown."""
SHOWN = 2
"""Suspects whose code the model is shown."""
KNOWN = 6
"""Suspects whose files' names may be imported without the answer saying so."""


class PythonTestWriter:
    """Implements the reproducer's TestWriter for pytest and unittest."""

    def __init__(self, reader: SourceReader = read_source) -> None:
        self._reader = reader

    # -- what the model is shown -----------------------------------------------------------

    def example(
        self, root: Path, tests: Sequence[str], suspects: Sequence[Suspect]
    ) -> Example | None:
        wanted = _wanted(suspects)
        best: tuple[float, int, Example] | None = None
        for path in tests:
            text = self._read(root, path)
            tree = parse(text)
            if tree is None:
                continue
            for name, node in definitions(tree):
                if not is_test(node):
                    continue
                source = ast.get_source_segment(text, node) or ""
                score = sum(wanted.get(word, 0.0) for word in set(WORD.findall(source)))
                shown = Example(path, _shown(text, tree, source), in_class="." in name)
                if best is None or (score, -len(source)) > best[:2]:
                    best = (score, -len(source), shown)
        return best[2] if best else None

    def subject(self, root: Path, tests: Sequence[str], suspects: Sequence[Suspect]) -> str:
        parts = []
        for suspect in suspects[:SHOWN]:
            module = self.module(root, suspect.path, tests)
            name = suspect.name.partition(".")[0]
            parts.append(f"Code of {suspect.path} (`from {module} import {name}`):")
            parts.append(fenced(self._code(root, suspect), "python"))
        return "\n".join(parts)

    def _code(self, root: Path, suspect: Suspect) -> str:
        """The function; a method with its whole class where that is short."""
        text = self._read(root, suspect.path)
        tree, outer = parse(text), suspect.name.partition(".")[0]
        rows = LINE_END.split(text)
        own = "\n".join(rows[suspect.first_line - 1 : suspect.last_line])
        for name, node in definitions(tree) if tree is not None else ():
            if name == outer and isinstance(node, ast.ClassDef):
                whole = "\n".join(rows[node.lineno - 1 : node.end_lineno])
                if len(whole) <= MAX_SHOWN:
                    return whole
                return head_and_tail(f"{rows[node.lineno - 1]}\n    ...\n{own}", MAX_SHOWN)
        return head_and_tail(own, MAX_SHOWN)

    def module(self, root: Path, path: str, tests: Sequence[str]) -> str:
        """The dotted name of a source file, as the tests spell it or as its packages tell."""
        parts = module_parts(path)
        spelled = {name for test in tests for name in self._imported(root, test)}
        for start in range(len(parts)):
            if ".".join(parts[start:]) in spelled:
                return ".".join(parts[start:])
        start = len(PurePosixPath(path).parts) - 1
        folder = root / PurePosixPath(path).parent
        while start > 0 and (folder / "__init__.py").is_file():
            start, folder = start - 1, folder.parent
        return ".".join(parts[start:] or parts[-1:])

    def _imported(self, root: Path, test: str) -> Iterator[str]:
        tree = parse(self._read(root, test))
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)

    # -- what comes of its answer ----------------------------------------------------------

    def drafts(
        self,
        answer: str,
        root: Path,
        example: Example,
        tests: Sequence[str],
        suspects: Sequence[Suspect],
    ) -> Iterator[str]:
        tree = parse(code_of(answer))
        if tree is None:
            return
        ours = self._ours(root, tests, suspects)
        theirs = dict(self._allowed_imports(tree, root))
        slug = _slug(suspects[0].name)
        for name, node in definitions(tree):
            if not is_test(node) or name.count(".") > 1:
                continue
            for test in single(node):
                needed = undefined(test, drop=("self",))
                imports = {ours.get(word) or theirs.get(word, "") for word in needed}
                if "" in imports or not harmless(test, "\n".join(imports)):
                    continue
                yield file_with(test, slug, sorted(imports), in_class=example.in_class)

    def _ours(
        self, root: Path, tests: Sequence[str], suspects: Sequence[Suspect]
    ) -> dict[str, str]:
        """Public names of the suspects' files, with the statement that imports each."""
        found: dict[str, str] = {}
        for path in dict.fromkeys(suspect.path for suspect in suspects[:KNOWN]):
            tree = parse(self._read(root, path))
            module = self.module(root, path, tests)
            for node in tree.body if tree is not None else ():
                if isinstance(node, Function | ast.ClassDef):
                    found.setdefault(node.name, f"from {module} import {node.name}")
        return found

    def _allowed_imports(self, tree: ast.Module, root: Path) -> Iterator[tuple[str, str]]:
        """Names that the answer imports from the repository or from harmless modules."""
        for node in tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if self._may_import(alias.name, root):
                        bound = alias.asname or alias.name.partition(".")[0]
                        yield bound, ast.unparse(ast.Import([alias]))
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                for alias in node.names:
                    if self._may_import(node.module, root) and alias.name != "*":
                        line = ast.unparse(ast.ImportFrom(node.module, [alias], 0))
                        yield alias.asname or alias.name, line

    def _may_import(self, module: str, root: Path) -> bool:
        top = module.partition(".")[0]
        if top in PLAIN_MODULES:
            return True
        places = (root / folder / top for folder in (".", "src", "lib"))
        return any(place.is_dir() or place.with_suffix(".py").is_file() for place in places)

    # -- where it goes ---------------------------------------------------------------------

    def path(self, example: Example, suspect: Suspect, taken: Callable[[str], bool]) -> str:
        folder, stem = PurePosixPath(example.path).parent, PurePosixPath(example.path).stem
        slug, number = _slug(suspect.name), 1
        while True:
            name = f"reported_{slug}" + (f"_{number}" if number > 1 else "")
            name = f"{name}_test.py" if stem.endswith("_test") else f"test_{name}.py"
            if not taken(path := (folder / name).as_posix()):
                return path
            number += 1

    def _read(self, root: Path, path: str) -> str:
        try:
            return self._reader(root, path)
        except OSError:
            return ""


def _wanted(suspects: Sequence[Suspect]) -> dict[str, float]:
    """Words that an example should hold, the first suspects' names most of all."""
    wanted: dict[str, float] = {}
    for rank, suspect in enumerate(suspects[:KNOWN]):
        for part in (*suspect.name.split("."), PurePosixPath(suspect.path).stem):
            wanted.setdefault(part, 1 / (1 + rank))
    return wanted


def _shown(text: str, tree: ast.Module, test: str) -> str:
    """The file's imports and one of its tests."""
    heads = [
        ast.get_source_segment(text, node) or ""
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return head_and_tail("\n".join([*heads, "", test]).strip(), MAX_EXAMPLE)


def _slug(name: str) -> str:
    """A function's qualified name as part of a file's name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()
    return re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_")[:40] or "bug"
