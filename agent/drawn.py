"""The graph as LangGraph's own tools take it: a compiled one, made when this file is imported.

A function would be called with the tools' own configuration; `langgraph.json` names this instead.
"""

from __future__ import annotations

from agent.graph import build

graph = build()
