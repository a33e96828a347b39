"""Probe modules: a test file whose tests tell what the edited functions do on other inputs.

A test is kept with its decorators, parameters, fixtures and set-up as it stands; only the calls of
the edited functions in it are wrapped (see `agent.repair.python.probing`), and its assertions no
longer end it.
"""

from __future__ import annotations

import ast
import doctest
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from agent.repair.edit import SourceReader, read_source
from agent.repair.python import probing
from agent.repair.python.parsed import Definition, Function, definitions, parse
from agent.repair.python.targets import Targets, reaching, wrap_calls
from agent.repair.seams import Evidence
from tools.report import TestReport

MOST_MODULES = 2
MOST_TESTS = 12
"""Test functions of one module that probe, the failing ones first."""
CHANGES = 60
"""Changed calls of a module, spread over its test functions; each has at least `LEAST`."""
LEAST = 6
_DIGESTS = re.compile(r"locum-probe((?: [0-9a-f]{6})+)")
_BOOT = """\
def _locum_load(sources, seed, changes):
    import sys, types
    for name, text in sources:
        module = types.ModuleType(name)
        module.__package__ = "locum_probing"
        sys.modules[name] = module
        exec(compile(text, "<" + name + ">", "exec"), module.__dict__)
    return module.Probing(seed, changes)
"""


class PythonProbes:
    """The `Probes` of Python repositories that are tested by pytest or unittest."""

    def __init__(self, *, reader: SourceReader = read_source) -> None:
        self._reader = reader

    def modules(self, evidence: Evidence, edited: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """Path and text of new test files; `edited` has qualified names of functions by path."""
        found: dict[str, str] = {}
        for path in dict.fromkeys(test.path for test in evidence.failing if test.path):
            text = self._module(path, evidence, edited)
            if text and len(found) < MOST_MODULES:
                digest = hashlib.sha256(text.encode()).hexdigest()[:8]
                found[str(PurePosixPath(path).with_name(f"test_locum_{digest}.py"))] = text
        return found

    def digests(self, report: TestReport) -> Mapping[str, tuple[str, ...]]:
        """What each probe test told, by its id; a test that told nothing is left out."""
        told = {test.id: _DIGESTS.search(test.message) for test in report.failing}
        return {name: tuple(found[1].split()) for name, found in told.items() if found}

    def _module(
        self, path: str, evidence: Evidence, edited: Mapping[str, Sequence[str]]
    ) -> str | None:
        source = self._source(evidence, path)
        tree = parse(source)
        if tree is None:
            return None
        sources = {file: self._source(evidence, file) for file in edited}
        tree.body += _examples(edited, sources)
        failing = {word for test in evidence.failing for word in re.findall(r"\w+", test.id)}
        targets = Targets(tree, evidence.root, edited, sources)
        for names in targets.tiers():
            tests = reaching(tree, names)
            if tests:
                tests.sort(key=lambda test: test.name not in failing)
                return _render(tree, tests[:MOST_TESTS], names, evidence.seed)
        return None

    def _source(self, evidence: Evidence, path: str) -> str:
        try:
            return self._reader(evidence.root, path)
        except OSError:
            return ""


def _render(
    tree: ast.Module, tests: Sequence[Function], names: frozenset[str], seed: int
) -> str | None:
    """The text of the module; None for what cannot be written down as text."""
    _keep_only(tree, set(tests))
    wrap_calls(tree, set(tests), names)
    changes = max(LEAST, CHANGES // len(tests))
    boot = ast.parse(f"{_BOOT}_locum = _locum_load({_sources()!r}, {seed}, {changes})\n").body
    first = _after_future(tree)
    tree.body[first:first] = boot
    try:
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except (RecursionError, ValueError):
        return None
    return text if parse(text) is not None else None


def _sources() -> list[tuple[str, str]]:
    folder = Path(probing.__file__).parent
    return [("locum_probing", "")] + [
        (f"locum_probing.{name}", (folder / f"{name}.py").read_text("utf-8"))
        for name in probing.MODULES
    ]


def _after_future(tree: ast.Module) -> int:
    """Where the first statement may stand that is neither docstring nor `__future__`."""
    place = 0
    for statement in tree.body:
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (future or docstring):
            break
        place += 1
    return place


def _keep_only(tree: ast.Module, wanted: set[Function]) -> None:
    """Drop every other test function; a class that is empty then passes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            node.body = [
                child
                for child in node.body
                if child in wanted
                or not (isinstance(child, Function) and child.name.startswith("test"))
            ] or [ast.Pass()]


def _examples(edited: Mapping[str, Sequence[str]], sources: Mapping[str, str]) -> list[ast.stmt]:
    """A test function for the docstring examples of each edited function."""
    found: list[ast.stmt] = []
    for path, names in edited.items():
        tree = parse(sources[path])
        for name, node in definitions(tree) if tree is not None else ():
            if name in names and (body := _example(node)):
                shell = ast.parse(f"def test_locum_example_{len(found)}(): pass").body[0]
                assert isinstance(shell, ast.FunctionDef), "it was just written as one"
                shell.body = body
                found.append(shell)
    return found


def _example(node: Definition) -> list[ast.stmt]:
    """The statements of a docstring's examples; each may fail for itself."""
    body: list[ast.stmt] = []
    try:
        examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
    except ValueError:
        return []
    for example in examples:
        tree = parse(example.source)
        for statement in tree.body if tree is not None else ():
            guard = ast.parse("try:\n    pass\nexcept Exception:\n    pass").body[0]
            assert isinstance(guard, ast.Try), "it was just written as one"
            guard.body = [statement]
            body.append(guard)
    return body
