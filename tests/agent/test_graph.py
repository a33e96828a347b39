"""The graph as LangGraph's own tools find it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from langgraph.pregel import Pregel

ROOT = Path(__file__).resolve().parents[2]


def test_the_tools_find_the_workflow() -> None:
    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["locum"]
    file, _, attribute = named.partition(":")
    found = importlib.util.spec_from_file_location("named", ROOT / file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    graph = getattr(module, attribute)
    # A function would be called with the tools' configuration as its argument.
    assert isinstance(graph, Pregel)
    drawn = graph.get_graph()
    steps = {node for node in drawn.nodes if not node.startswith("__")}
    assert steps >= {"plan", "edit", "verify", "approve", "summary"}
    ways = {(edge.source, edge.target) for edge in drawn.edges}
    assert {("plan", "summary"), ("verify", "edit"), ("approve", "summary")} <= ways
