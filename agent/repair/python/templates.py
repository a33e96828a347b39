"""All template edits of a stretch of Python code, the likeliest first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterator

from agent.repair.edit import Edit
from agent.repair.mistakes import MISTAKES, Hear, raised
from agent.repair.python.context import Context
from agent.repair.python.neighbours import Neighbours, neighbours
from agent.repair.python.operators import OPERATORS, Operator
from agent.repair.python.parsed import Definition, Function, Parsed, parse_fragment, parsed
from agent.repair.python.syntax import syntax_edits
from agent.repair.seams import Suspect

UNCOVERED = 0.05
"""Weight of a line that no failing test ran, against the function's most suspicious line."""
HEADER = 0.5
"""Weight of signature, decorators and defaults, which coverage of single tests does not show."""
TOTAL = 60.0
"""What the weights of all edits of a suspect add up to; `agent.repair.rank` counts on it."""
FLOOR = 1e-4
LINES = 60
"""Lines of a suspect that are edited, the most suspicious: a function of 900 lines took 13 s."""


class PythonTemplates:
    """Applies every operator to the nodes of a suspect; see `agent.repair.templates`."""

    def __init__(self, hear: Hear = raised) -> None:
        """`hear`: told of an operator that stumbles over a place."""
        self._hear = hear

    def edits(
        self, source: str, suspect: Suspect, read: Callable[[str], str | None] | None = None
    ) -> Iterator[Edit]:
        """Edits that parse and change the tree, each tree once, by falling weight.

        `read` gives the text of another file of the repository; without it, imported modules
        are not looked into.
        """
        module = parsed(source)
        if module is None:
            yield from syntax_edits(source, suspect)
            return
        found = proposals(source, suspect, read, self._hear)
        scale = TOTAL / max(1e-9, sum(edit.weight for edit in found))
        scaled = [_weighted(edit, max(edit.weight * scale, FLOOR)) for edit in found]
        yield from _fresh(module, _definition(module, suspect), scaled)


def proposals(
    source: str,
    suspect: Suspect,
    read: Callable[[str], str | None] | None = None,
    hear: Hear = raised,
) -> list[Edit]:
    """What the operators propose, by falling weight: some twice, some that do not parse."""
    module = parsed(source)
    if module is None:
        return []
    around = neighbours(module, suspect.path, read) if read else Neighbours()
    found: list[Edit] = []
    lines, line = _lines(suspect), suspect.first_line
    for node, context in _nodes(module, suspect, around):
        line = getattr(node, "lineno", line)
        if line not in lines and not isinstance(node, Definition):
            continue
        for operator in OPERATORS:
            if isinstance(node, operator.kinds):
                for edit in _made(operator, node, context, hear):
                    weight = edit.weight * line_weight(suspect, module, node, edit)
                    found.append(_weighted(edit, weight))
    found.sort(key=lambda edit: (-edit.weight, edit.start, edit.end, edit.text))
    return found


def _made(operator: Operator, node: ast.AST, context: Context, hear: Hear) -> list[Edit]:
    """The operator's edits of a node; those it had made when it stumbled."""
    made: list[Edit] = []
    try:  # not `left_out`, for this runs for each node and each operator
        for edit in operator.edits(node, context):
            made.append(edit)
    except MISTAKES as mistake:
        hear(f"The edit {operator.name}", mistake)
    return made


def _lines(suspect: Suspect) -> Container[int]:
    """Where edits are made: everywhere, unless the suspect is long."""
    every = range(suspect.first_line, suspect.last_line + 1)
    if len(every) <= LINES:
        return every
    return set(sorted(every, key=lambda line: (-suspect.lines.get(line, 0.0), line))[:LINES])


def _weighted(edit: Edit, weight: float) -> Edit:
    return Edit(edit.start, edit.end, edit.text, edit.operator, weight, edit.line)


def _definition(module: Parsed, suspect: Suspect) -> Definition | None:
    """The function or class that a suspect names by its lines; None for module level."""
    for node in ast.walk(module.tree):
        if isinstance(node, Definition):
            first, last = module.line_of(module.start(node)), module.line_of(module.end(node))
            named = suspect.name.rpartition(".")[2] == node.name
            if named and (first, last) == (suspect.first_line, suspect.last_line):
                return node
    return None


def _nodes(
    module: Parsed, suspect: Suspect, around: Neighbours
) -> Iterator[tuple[ast.AST, Context]]:
    """Nodes of the stretch with the function each stands in.

    Functions inside a class or a module are suspects of their own; functions inside a
    function belong to it.
    """
    home = _definition(module, suspect)
    function = home if isinstance(home, Function) else None
    context = Context(module, function, around, suspect.errors, suspect.expected)
    yield from _walk(home or module.tree, context)


def _walk(node: ast.AST, context: Context) -> Iterator[tuple[ast.AST, Context]]:
    yield node, context
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            if context.function is None:
                continue
            inner = context
            if isinstance(child, Function):
                inner = context.within(child)
            yield from _walk(child, inner)
        elif isinstance(child, ast.JoinedStr):
            yield child, context
        else:
            yield from _walk(child, context)


def line_weight(suspect: Suspect, module: Parsed, node: ast.AST, edit: Edit) -> float:
    """How suspicious the edited place is, 0 to 1."""
    if not suspect.lines:
        return 1.0
    top = max(suspect.lines.values()) or 1.0
    first, last = edit.line, module.line_of(edit.end)
    if isinstance(node, ast.stmt):
        last = min(last, node.end_lineno or last)
    for ancestor in (node, *module.ancestors(node)):
        if isinstance(ancestor, ast.stmt):
            if isinstance(ancestor, Definition):
                return HEADER
            first = min(first, ancestor.lineno)
            break
    seen = [suspect.lines[line] for line in range(first, last + 1) if line in suspect.lines]
    return max(seen) / top if seen else UNCOVERED


def _fresh(module: Parsed, home: Definition | None, edits: list[Edit]) -> Iterator[Edit]:
    """Edits whose fragment parses and has not been seen."""
    source, whole = module.text, (0, len(module.text))
    # At module level one statement is enough, and takes a twentieth of the time of a long file.
    nodes = module.tree.body if home is None else [home]
    fragments = [_whole_lines(module, node) for node in nodes]
    seen: dict[tuple[int, int], set[str | None]] = {}
    for edit in edits:
        around = (each for each in fragments if each[0] <= edit.start and edit.end <= each[1])
        first, last = fragment = next(around, whole)
        if fragment not in seen:
            seen[fragment] = {None, _shape(source[first:last])}
        shape = _shape(source[first : edit.start] + edit.text + source[edit.end : last])
        if shape not in seen[fragment]:
            seen[fragment].add(shape)
            yield edit


def _whole_lines(module: Parsed, node: ast.stmt) -> tuple[int, int]:
    first, last = module.line_of(module.start(node)), module.line_of(module.end(node))
    return module.line_start(first), module.line_end(last)


def _shape(fragment: str) -> str | None:
    tree = parse_fragment(fragment)
    return None if tree is None else ast.dump(tree)
