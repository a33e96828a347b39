"""In which order targets are built."""

from __future__ import annotations

from buildgraph.graph import Graph


class CycleFound(Exception):
    """Targets need each other; `path` begins and ends with the same one."""

    def __init__(self, path: list[str]) -> None:
        super().__init__(" -> ".join(path))
        self.path = path


def order(graph: Graph, *wanted: str) -> list[str]:
    """The wanted targets and all that they need, each behind what it needs."""
    done: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            raise CycleFound([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for need in graph[name].needs:
            visit(need)
        done.append(name)

    for name in wanted or [target.name for target in graph]:
        visit(name)
    return done


def waves(graph: Graph) -> list[list[str]]:
    """Groups of targets that can be built at the same time, names sorted in each."""
    level: dict[str, int] = {}
    for name in order(graph):
        level[name] = max((level[need] + 1 for need in graph[name].needs), default=0)
    groups: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name, number in sorted(level.items()):
        groups[number].append(name)
    return groups
