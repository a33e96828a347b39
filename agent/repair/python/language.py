"""What is particular to Python in finding, comparing and protecting code."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from agent.repair.python.comments import uncommented
from agent.repair.python.conditions import decides_nothing
from agent.repair.python.expected import expected_errors
from agent.repair.python.lacking import lacking_imports, only_imports
from agent.repair.python.parsed import Function, Parsed, definitions, parse, parse_fragment, parsed
from agent.repair.python.testcode import test_code
from agent.repair.seams import Excerpt, Span, Splice

TEST_FOLDERS = frozenset({"tests", "test", "testing"})


class PythonLanguage:
    name = "python"

    def owns(self, path: str) -> bool:
        return PurePosixPath(path).suffix in (".py", ".pyw")

    def is_test(self, path: str) -> bool:
        pure = PurePosixPath(path)
        if TEST_FOLDERS & set(pure.parts[:-1]) or pure.name in ("conftest.py", "tests.py"):
            return True
        return pure.stem.startswith("test_") or pure.stem.endswith("_test")

    def spans(self, source: str) -> tuple[Span, ...]:
        return _spans(source)

    def parses(self, source: str) -> bool:
        return parse(source) is not None

    def pointless(self, source: str) -> int:
        tree = parse(source)
        return 0 if tree is None else sum(map(decides_nothing, ast.walk(tree)))

    def fingerprint(self, source: str) -> str:
        """A digest of the tree without positions; whole indented lines of a block work as well.

        A source that does not parse is compared by its text.
        """
        tree = parse_fragment(source)
        if tree is None:
            return "text:" + hashlib.sha256(source.encode(errors="replace")).hexdigest()
        return hashlib.sha256(ast.dump(tree).encode(errors="replace")).hexdigest()

    def uncommented(self, source: str, start: int, end: int, text: str) -> str:
        return uncommented(source, start, end, text)

    def test_code(self, source: str, test_id: str) -> Excerpt | None:
        return test_code(source, test_id)

    def expected_errors(self, source: str, test_id: str) -> tuple[str, ...]:
        return expected_errors(source, test_id)

    def lacking_imports(
        self, path: str, before: str, splices: Sequence[Splice]
    ) -> tuple[Splice, ...]:
        return lacking_imports(path, before, splices)

    def only_imports(self, text: str) -> bool:
        return only_imports(text)


@lru_cache(maxsize=1_024)
def _spans(source: str) -> tuple[Span, ...]:
    """Asked for every file of a repository, once for each failing test."""
    module = parsed(source)
    if module is None:
        return ()
    return tuple(_span(module, name, node) for name, node in definitions(module.tree))


def _span(module: Parsed, name: str, node: Function | ast.ClassDef) -> Span:
    start, end = module.start(node), module.end(node)
    return Span(
        name=name,
        start=start,
        end=end,
        first_line=module.line_of(start),
        last_line=module.line_of(end),
        is_class=isinstance(node, ast.ClassDef),
    )
