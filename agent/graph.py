"""The workflow: nodes and edges, nothing else.

start ─► plan ─► edit ─► verify ─► approve ─► summary ─► end
           │      ▲         │          │ ▲       ▲
           │      ├─────────┘          ▼ │ another patch is wanted
           │      │ not done         revise      │
           │      └────────────────────┘ and budget left
           └─────────────────────────────────────┘ only the plan was asked for
"""

from __future__ import annotations

from typing import Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.deps import Deps
from agent.nodes.approve import approve
from agent.nodes.edit import edit
from agent.nodes.plan import plan
from agent.nodes.revise import revise
from agent.nodes.summary import summary
from agent.nodes.verify import verify
from agent.state import Goal, RunState, current_item

Graph = CompiledStateGraph[RunState, Deps, RunState, RunState]


def build(saver: BaseCheckpointSaver[str] | None = None) -> Graph:
    """The graph; without a saver one to look at."""
    graph = StateGraph(RunState, context_schema=Deps)
    graph.add_node("plan", plan)
    graph.add_node("edit", edit)
    graph.add_node("verify", verify)
    graph.add_node("approve", approve)
    graph.add_node("revise", revise)
    graph.add_node("summary", summary)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", begin)
    graph.add_edge("edit", "verify")
    graph.add_conditional_edges("verify", go_on)
    graph.add_conditional_edges("approve", decided)
    graph.add_conditional_edges("revise", go_on)
    graph.add_edge("summary", END)
    return graph.compile(checkpointer=saver)


def begin(state: RunState, runtime: Runtime[Deps]) -> Literal["edit", "approve", "summary"]:
    """To the bench, unless only the plan was asked for."""
    return "summary" if runtime.context.task.goal is not Goal.FIX else go_on(state, runtime)


def go_on(state: RunState, runtime: Runtime[Deps]) -> Literal["edit", "approve"]:
    """Back to the bench while there is an item left and something left to spend on it."""
    if current_item(state) is None or runtime.context.budget.spent:
        return "approve"
    return "edit"


def decided(state: RunState) -> Literal["revise", "summary"]:
    return "revise" if state.get("revision") else "summary"
