"""Reads a graph from text."""

from __future__ import annotations

from buildgraph.graph import Graph, Target


class MakefileError(ValueError):
    """A line that cannot be read."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(f"line {number}: {message}")


def read(text: str) -> Graph:
    """Lines such as `app: main.o util.o [2.5]`; a cost in seconds may stand in brackets.

    A backslash at the end of a line joins the next one, `#` starts a comment. What is needed
    but has no line of its own costs nothing.
    """
    graph = Graph()
    pending = ""
    for number, line in enumerate(text.splitlines(), start=1):
        content = pending + line.partition("#")[0].rstrip()
        pending = ""
        if content.endswith("\\"):
            pending = content[:-1] + " "
            continue
        if content.strip():
            graph.add(_target(content, number))
    for target in list(graph):
        for need in target.needs:
            if need not in graph:
                graph.add(Target(need, cost=0.0))
    return graph


def _target(content: str, number: int) -> Target:
    name, colon, rest = content.partition(":")
    if not colon or not name.strip():
        raise MakefileError(number, "expected `target: needs`")
    needs, bracket, cost = rest.partition("[")
    if not bracket:
        return Target(name.strip(), tuple(needs.split()))
    try:
        seconds = float(cost.strip().removesuffix("]"))
    except ValueError:
        raise MakefileError(number, f"not a cost: {cost}") from None
    return Target(name.strip(), tuple(needs.split()), seconds)
