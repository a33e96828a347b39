"""What has to be built again."""

from __future__ import annotations

from collections.abc import Mapping

from buildgraph.graph import Graph
from buildgraph.ordering import order


def outdated(graph: Graph, built: Mapping[str, float]) -> list[str]:
    """Targets to build again, in order; `built` says when each was last built.

    A target is out of date when it was never built, when something that it needs was built
    later, or when something that it needs is out of date itself.
    """
    stale: list[str] = []
    for name in order(graph):
        target = graph[name]
        if name not in built or any(
            need in stale or built[name] > built[need] for need in target.needs
        ):
            stale.append(name)
    return stale
