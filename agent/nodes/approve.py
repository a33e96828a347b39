"""Shows the diff; a person, `--yes` or policy decides; only then is the user's tree touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent import asking, committing, reproducing
from agent.alarm import HELD
from agent.deps import Deps
from agent.events import Applied, DiffReady, PhaseStarted
from agent.state import Approval, RunState
from tools.errors import ToolsError


@dataclass(frozen=True)
class Ruling:
    files: tuple[str, ...]
    """The changed files that may be applied."""
    reason: str
    """Why the others may not; empty when all may."""
    revision: dict[str, Any] | None = None
    """What is wanted instead; then nothing is decided yet."""


def approve(state: RunState, runtime: Runtime[Deps]) -> RunState:
    """No side effect comes before the interrupt, for a resumed node runs again from its top."""
    deps = runtime.context
    edits = reproducing.kept_edits(state)
    deps.workspace.reset(edits)
    files = tuple(sorted(deps.workspace.changed()))
    if not files:
        return {"edits": edits, "verdict": "nothing to apply", "applied": [], "left": []}
    deps.emit(PhaseStarted(phase="approve"))
    deps.emit(DiffReady(diff=deps.workspace.diff(), files=files))
    ruling = _rule(deps, {**state, "edits": edits}, files)
    if ruling.revision is not None:
        return {"edits": edits, "revision": ruling.revision, "reason": ruling.reason}
    reason = ruling.reason
    applied: tuple[str, ...] = ()
    commit = ""
    if ruling.files:
        deps.record.write("approved", files=ruling.files, by=deps.task.approval)
        deps.record.sync()
        try:
            if deps.task.branch:
                commit = committing.commit(deps, state, ruling.files)
            else:
                deps.workspace.apply(ruling.files)
            applied = ruling.files
        except (ToolsError, OSError) as error:
            reason = str(error)
    left = tuple(file for file in files if file not in applied)
    deps.record.write("applied", files=applied, left=left, reason=reason)
    branch = deps.task.branch if commit else ""
    deps.emit(Applied(files=applied, left=left, reason=reason, branch=branch, commit=commit))
    verdict = "applied" if not left else "partly applied" if applied else "not applied"
    return {
        "edits": edits,
        "verdict": verdict,
        "applied": list(applied),
        "left": list(left),
        "reason": reason,
        "commit": commit,
    }


def _rule(deps: Deps, state: RunState, files: tuple[str, ...]) -> Ruling:
    held = deps.facts.get(HELD, "")
    if held and deps.task.approval in (Approval.YES, Approval.CI):
        return Ruling((), held)
    match deps.task.approval:
        case Approval.YES:
            return Ruling(files, "")
        case Approval.DRY_RUN:
            return Ruling((), "A dry run never changes the repository.")
        case Approval.NOBODY:
            return Ruling((), "Nobody was there to approve it; use --yes to apply it unattended.")
        case Approval.CI:
            return _rule_unattended(deps, files)
        case Approval.ASK:
            answer = interrupt(asking.question(deps, state, files))
            return _rule_answered(deps, files, answer)


def _rule_answered(deps: Deps, files: tuple[str, ...], answer: dict[str, Any]) -> Ruling:
    if (revision := answer.get("revision")) is not None:
        return Ruling((), answer.get("reason", ""), revision)
    said = answer.get("files")
    chosen = tuple(file for file in files if said is None or file in said)
    if not answer.get("approved"):
        chosen = ()
    deps.record.write("answered", asked=files, approved=chosen, reason=answer.get("reason", ""))
    if chosen == files:
        return Ruling(files, "")
    return Ruling(chosen, answer.get("reason") or "It was not approved.")


def _rule_unattended(deps: Deps, files: tuple[str, ...]) -> Ruling:
    """By the policy; as shipped, source files go in, and tests and configuration wait."""
    match deps.rules.unattended:
        case "nothing":
            return Ruling((), "Policy lets nothing be applied unattended.")
        case "everything":
            # What can make a wrong result look right needs a word of the user on that very file.
            covers = deps.rules.protection.covers
            ordinary = tuple(file for file in files if not covers(file))
        case "source":
            ordinary = tuple(file for file in files if not asking.asked_apart(deps, file))
    left = [file for file in files if file not in ordinary]
    reason = f"Policy leaves these to a person: {', '.join(left)}." if left else ""
    return Ruling(ordinary, reason)
