"""What a person is shown before anything is written to the repository: what, where, why, proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent import revising
from agent.alarm import RISK
from agent.deps import Deps
from agent.state import PlanItem, RunState, items_of, report_of

MOST_RISKS = 5


def question(deps: Deps, state: RunState, files: Sequence[str]) -> dict[str, Any]:
    """Plain values, for they are part of a checkpoint; see `approval.ApprovalRequest`."""
    others = [asdict(one) for one in revising.alternatives(deps, state)]
    deps.workspace.reset(state.get("edits", {}))
    items = [item for item in items_of(state) if item.patch]
    return {
        "files": list(files),
        "tree": deps.task.path,
        "branch": deps.task.branch,
        "changes": [_change(deps, file, items) for file in files],
        "evidence": _evidence(deps, state, items),
        "risks": list(deps.facts.get(RISK, ()))[:MOST_RISKS],
        "copy": str(deps.workspace.root),
        "alternatives": others,
        "note": state.get("note", ""),
    }


def asked_apart(deps: Deps, file: str) -> bool:
    """Whether the file is no ordinary source: a test, or what steers how code is run."""
    ordinary = deps.language.owns(file) and not deps.language.is_test(file)
    return not ordinary or deps.rules.protection.covers(file)


def _change(deps: Deps, file: str, items: Sequence[PlanItem]) -> dict[str, Any]:
    target = Path(deps.task.path) / file
    apart = asked_apart(deps, file)
    why = "can change how code is run or checked" if apart else "would be changed in your tree"
    return {
        "file": file,
        "target": str(target.parent.resolve() / target.name),
        "what": [f"{item.number}. {item.title}" for item in items if _touches(item, file)],
        "why": why,
        "apart": apart,
    }


def _touches(item: PlanItem, file: str) -> bool:
    lines = item.patch.splitlines()
    return any(line in (f"--- a/{file}", f"+++ b/{file}") for line in lines)


def _evidence(deps: Deps, state: RunState, items: Sequence[PlanItem]) -> list[str]:
    before, now = report_of(state, "baseline"), report_of(state, "now")
    told = [
        f"Tests: {before.passed_count} of {before.total} passed before, "
        f"{now.passed_count} of {now.total} pass with the patch "
        f"({deps.facts.get('sandbox', 'no sandbox')})"
    ]
    told += [
        f"Item {item.number}: {item.survivors} of {item.tried} candidates passed"
        for item in items
        if item.tried
    ]
    return [*told, *state.get("caveats", [])]
