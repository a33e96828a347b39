"""Errors that a test wants to see raised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agent.repair.python.facts import bare_name
from agent.repair.python.parsed import parsed
from agent.repair.python.testcode import find_test

ASKING = ("raises", "assertRaises", "assertRaisesRegex")
PATTERN = re.compile(r"(?<!\\)[][(){}|*+?]")
"""What makes the text that a test wants to match more than a text."""


def expected_errors(source: str, test_id: str) -> tuple[str, ...]:
    """See `Language.expected_errors`."""
    module = parsed(source)
    function = find_test(module, test_id) if module else None
    if function is None:
        return ()
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args]
    asking = [call for call in calls if bare_name(call.func) in ASKING]
    return tuple(dict.fromkeys(error for call in asking for error in _errors(call)))


def _errors(call: ast.Call) -> Iterator[str]:
    kinds = call.args[0].elts if isinstance(call.args[0], ast.Tuple) else call.args[:1]
    message = _message(call)
    for kind in kinds:
        if name := bare_name(kind):
            yield f"{name}({message!r})" if message else f"{name}()"


def _message(call: ast.Call) -> str:
    """The text that the error's message is held against; empty where it is a pattern."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "match"]
    if bare_name(call.func) == "assertRaisesRegex":
        given += call.args[1:2]
    for node in given:
        escaped = isinstance(node, ast.Call) and bare_name(node.func) == "escape"
        inner = node.args[0] if isinstance(node, ast.Call) and escaped and node.args else node
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            text = inner.value
            if escaped:
                return text
            if not PATTERN.search(text):
                return re.sub(r"\\(.)", r"\1", text).removeprefix("^").removesuffix("$")
    return ""
