"""What the shortest possible build time is, and why."""

from __future__ import annotations

from dataclasses import dataclass

from buildgraph.graph import Graph
from buildgraph.ordering import order


@dataclass(frozen=True)
class CriticalPath:
    """Targets that decide the time of the whole build, first one first."""

    targets: tuple[str, ...]
    seconds: float


def critical_path(graph: Graph) -> CriticalPath:
    """The chain of targets that takes longest; the first such one if there are several."""
    finish: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in order(graph):
        slowest = max(graph[name].needs, key=lambda need: finish[need], default=None)
        start = 0.0 if slowest is None else finish[slowest]
        finish[name] = start + graph[name].cost
        before[name] = slowest
    last = max(finish, key=lambda name: finish[name], default=None)
    seconds = 0.0 if last is None else finish[last]
    chain = []
    while last is not None:
        chain.append(last)
        last = before[last]
    return CriticalPath(tuple(reversed(chain)), seconds)
