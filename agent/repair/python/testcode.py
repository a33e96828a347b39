"""The source of the Python test that an id names."""

from __future__ import annotations

from agent.repair.python.parameters import of_case
from agent.repair.python.parsed import Function, Parsed, definitions, parsed
from agent.repair.seams import Excerpt


def test_code(source: str, test_id: str) -> Excerpt | None:
    """See `Language.test_code`."""
    module = parsed(source)
    function = find_test(module, test_id) if module else None
    if module is None or function is None:
        return None
    first, last = module.line_of(module.start(function)), module.line_of(module.end(function))
    case = test_id.partition("[")[2].rpartition("]")[0]
    return Excerpt(first, last, of_case(module, function, case))


def find_test(module: Parsed, test_id: str) -> Function | None:
    """The function that an id of pytest or unittest names; in another class if need be."""
    words = test_id.partition("[")[0].replace("::", ".").split(".")
    found = [
        (name, node)
        for name, node in definitions(module.tree)
        if isinstance(node, Function) and node.name == words[-1]
    ]
    exact = [node for name, node in found if name == ".".join(words[-2:])]
    return next(iter([*exact, *(node for _, node in found)]), None)
