"""Takes a function out of a module and puts an import in, the layout around kept."""

from __future__ import annotations

import ast

from agent.repair.edit import Edit
from agent.repair.python.imports import Modules
from agent.repair.python.parsed import Definition, Function, Parsed


def remove_function(module: Parsed, node: Function) -> Edit:
    """Its lines, the comment that leans on it, and the blank lines that kept it apart."""
    first = module.line_of(module.start(node))
    last = module.line_of(module.end(node))
    while first > 1 and _line(module, first - 1).startswith("#"):
        first -= 1
    start, end = module.line_start(first), module.line_end(last)
    following = last + 1
    while following <= len(module.line_starts) and not _line(module, following).strip():
        end = module.line_end(following)
        following += 1
    if end == len(module.text):
        previous = first - 1
        while previous >= 1 and not _line(module, previous).strip():
            start = module.line_start(previous)
            previous -= 1
    return Edit(start, end, "", "remove-copy", line=first)


def _line(module: Parsed, number: int) -> str:
    if number > len(module.line_starts):
        return ""
    return module.text[module.line_start(number) : module.line_end(number)]


def add_import(module: Parsed, spelling: str, name: str, path: str, modules: Modules) -> Edit:
    """`from spelling import name`, joined to such an import if there is one on one line."""
    level = len(spelling) - len(spelling.lstrip("."))
    for node in module.tree.body:
        if (
            isinstance(node, ast.ImportFrom)
            and (node.level, node.module or "") == (level, spelling.lstrip("."))
            and node.lineno == node.end_lineno
            and "(" not in module.source(node)
        ):
            return _joined(module, node, name)
    return _new_line(module, f"from {spelling} import {name}", path, modules)


def _joined(module: Parsed, node: ast.ImportFrom, name: str) -> Edit:
    names = [f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names]
    ordered = names == sorted(names)
    names.append(name)
    prefix = module.source(node).partition(" import ")[0]
    text = f"{prefix} import {', '.join(sorted(names) if ordered else names)}"
    return Edit(module.start(node), module.end(node), text, "import-canonical", line=node.lineno)


def _new_line(module: Parsed, statement: str, path: str, modules: Modules) -> Edit:
    """Behind the last import of the header, else behind the docstring, else on top."""
    newline = module.newline
    own = {id(node) for node, _ in modules.imports(path)}
    header = _header(module)
    anchor = header[-1] if header else None
    if anchor is None:
        defines = module.tree.body and isinstance(module.tree.body[0], Definition)
        at, before, after = module.line_starts[0], "", newline * (2 if defines else 1)
    else:
        line = module.line_of(module.end(anchor))
        at = module.line_end(line)
        neighbour = id(anchor) in own
        before = "" if neighbour else newline
        after = ""
        if not module.text[:at].endswith(("\n", "\r")):
            before += newline
        if not isinstance(anchor, ast.Import | ast.ImportFrom) and not _blank(module, line + 1):
            after = newline
    return Edit(at, at, f"{before}{statement}{newline}{after}", "import-canonical")


def _blank(module: Parsed, line: int) -> bool:
    return line <= len(module.line_starts) and not _line(module, line).strip()


def _header(module: Parsed) -> list[ast.stmt]:
    """The docstring and the imports that follow it without anything between."""
    header: list[ast.stmt] = []
    for node in module.tree.body:
        documentation = not header and isinstance(node, ast.Expr)
        if not documentation and not isinstance(node, ast.Import | ast.ImportFrom):
            break
        header.append(node)
    return header
