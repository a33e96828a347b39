"""What of a test that a model wrote may become a file, and the text of that file.

The model read a stranger's report before it wrote: what becomes a file calls the repository's own
code and a few modules of the standard library that reach neither files, processes nor the network;
names that would reach them do not pass. The sandbox is the boundary while the test is tried; this
is for the day when somebody runs the accepted patch outside it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence

from agent.repair.python.parsed import Function
from agent.repair.reports import WORD

MAX_ASSERTS = 6
"""Assertions of one written test that become tests of their own."""
PLAIN_MODULES = frozenset(
    {"abc", "array", "base64", "bisect", "calendar", "cmath", "collections", "contextlib",
     "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions",
     "functools", "hashlib", "heapq", "itertools", "json", "math", "numbers", "pprint", "pytest",
     "random", "re", "statistics", "string", "struct", "textwrap", "time", "unicodedata",
     "unittest", "uuid", "warnings", "zoneinfo"}
)  # fmt: skip
"""Modules that reach neither files, processes, the network nor the interpreter."""
REACHING = frozenset(
    {"os", "sys", "subprocess", "shutil", "socket", "pathlib", "Path", "importlib", "ctypes",
     "builtins", "pickle", "marshal", "shelve", "tempfile", "urllib", "http", "requests",
     "smtplib", "asyncio", "threading", "multiprocessing", "signal", "runpy", "inspect",
     "FileIO", "importorskip", "open", "exec", "eval", "compile", "input", "breakpoint",
     "globals", "vars", "locals", "getattr", "setattr", "delattr", "exit", "quit", "open_code",
     "write_text", "write_bytes", "unlink", "rmdir", "rmtree", "symlink_to", "hardlink_to",
     "chmod", "chown", "popen", "system", "environ", "putenv"}
)  # fmt: skip
"""Names of what does, by way of whatever module of the repository imports it."""


def single(node: Function) -> Iterator[Function]:
    """The test once for each of its assertions, each time without the others.

    One assertion that the model made up must not spoil one that it took from the report.
    """
    asserts = [statement for statement in node.body if _asserts(statement)]
    if len(asserts) < 2 or node.decorator_list:
        yield node
        return
    for kept in asserts[:MAX_ASSERTS]:
        body = [one for one in node.body if one is kept or one not in asserts]
        yield type(node)(**{**dict(ast.iter_fields(node)), "body": body})


def _asserts(statement: ast.stmt) -> bool:
    """`assert …`, `self.assert…(…)`, `with pytest.raises(…)` and `with self.assertRaises(…)`."""
    if isinstance(statement, ast.With):
        call: ast.expr = statement.items[0].context_expr
    elif isinstance(statement, ast.Expr):
        call = statement.value
    else:
        return isinstance(statement, ast.Assert)
    name = (
        call.func.attr
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        else ""
    )
    return name.startswith("assert") or (name == "raises" and isinstance(statement, ast.With))


def undefined(node: Function, drop: Sequence[str]) -> set[str]:
    """Names that the test uses and neither binds itself nor finds among the builtins."""
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    bound |= {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    bound |= {inner.name for inner in ast.walk(node) if isinstance(inner, Function) and inner.name}
    bound |= {i.name for i in ast.walk(node) if isinstance(i, ast.ExceptHandler) and i.name}
    return {name.id for name in names} - bound - set(dir(builtins)) - set(drop)


def harmless(node: Function, imports: str) -> bool:
    """Whether nothing in the test reaches for files, processes, the network or the interpreter."""
    words = set(WORD.findall(imports))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal):
            return False
        fields = (getattr(inner, name, None) for name in ("id", "attr", "arg", "name"))
        words.update(text for text in fields if isinstance(text, str))
        # A text can be handed to what looks names up.
        if isinstance(inner, ast.Constant) and "__" in str(inner.value):
            return False
    plain = {word.strip("_") for word in words}
    return not plain & REACHING and not any(word.startswith("__") for word in words)


def file_with(test: Function, slug: str, imports: Sequence[str], *, in_class: bool) -> str:
    """The text of a file with this one test, renamed so that equal tests are equal texts."""
    arguments = [arg for arg in test.args.args if arg.arg != "self"]
    uses_self = any(isinstance(n, ast.Name) and n.id == "self" for n in ast.walk(test))
    method = in_class or uses_self
    if method:
        arguments = [ast.arg("self"), *arguments]
    args = ast.arguments([], arguments, None, [], [], None, test.args.defaults)
    body = [one for one in test.body if not _is_text(one)] or [ast.Pass()]
    fields = dict(ast.iter_fields(test)) | {"name": f"test_{slug}", "args": args, "body": body}
    renamed: ast.stmt = type(test)(**fields)
    lines = list(imports)
    if method:
        lines = sorted({*lines, "import unittest"})
        base = ast.Attribute(ast.Name("unittest", ast.Load()), "TestCase", ast.Load())
        title = "".join(part.capitalize() for part in slug.split("_"))
        renamed = ast.ClassDef(f"Reported{title}Test", [base], [], [renamed], [])
    text = ast.unparse(ast.fix_missing_locations(ast.Module([renamed], [])))
    return "\n".join([*lines, "", "", text, ""]).lstrip("\n")


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
