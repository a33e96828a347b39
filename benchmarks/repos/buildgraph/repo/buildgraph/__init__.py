"""Finds out what to build, and in which order."""

from buildgraph.critical import CriticalPath, critical_path
from buildgraph.graph import Graph, Target, UnknownTarget
from buildgraph.ordering import CycleFound, order, waves
from buildgraph.reading import MakefileError, read
from buildgraph.staleness import outdated

__all__ = [
    "CriticalPath",
    "CycleFound",
    "Graph",
    "MakefileError",
    "Target",
    "UnknownTarget",
    "critical_path",
    "order",
    "outdated",
    "read",
    "waves",
]
