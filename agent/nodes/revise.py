"""Makes the patch that the person wants instead, and goes back to be asked, or to the search."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent import revising
from agent.deps import Deps
from agent.events import PhaseStarted
from agent.state import RunState


def revise(state: RunState, runtime: Runtime[Deps]) -> RunState:
    deps = runtime.context
    wanted = state["revision"]
    assert wanted is not None, "the edge to revise is taken only with a wish"
    deps.emit(PhaseStarted(phase="verify", detail="Another patch was asked for"))
    changes = revising.revise(deps, state, wanted, state.get("reason", ""))
    return {**changes, "revision": None, "seconds": deps.budget.seconds_spent}
