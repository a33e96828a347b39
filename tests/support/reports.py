"""Reports of runs that never were."""

from __future__ import annotations

from typing import Any

from agent.report import Effort, ItemReport, Report, TestCounts

_ITEM: dict[str, Any] = {
    "number": 1, "kind": "bug", "title": "1 failing test: it fails", "subject": "total",
    "path": "calc.py", "first_line": 1, "last_line": 2, "status": "fixed", "evidence": (),
    "note": "", "patch": "", "strategy": "template", "operator": "swap", "candidates_tried": 3,
    "survivors": 1, "behaviours": 1, "agreeing": 1, "alternatives": (),
}  # fmt: skip
_EFFORT: dict[str, Any] = {
    "seconds": 1, "candidates": 3, "test_runs": 4, "model": "none", "seed": 0,
    "model_requests": 0, "prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0,
    "model_seconds": 0,
}  # fmt: skip


def item(**changes: Any) -> ItemReport:
    return ItemReport.model_validate(_ITEM | changes)


def report(*items: ItemReport, **changes: Any) -> Report:
    facts: dict[str, Any] = {
        "run_id": "20260102-030405-abcd", "path": "/repo", "exit_status": 0,
        "headline": "Tests pass", "before": TestCounts(passed=1, total=2, failing=("t.py::b",)),
        "after": TestCounts(passed=2, total=2, failing=()), "items": items, "flaky": (),
        "dropped": (), "findings": (), "explanation": "", "verdict": "applied", "reason": "",
        "applied": ("calc.py",), "left": (), "patch": "", "effort": Effort(**_EFFORT),
        "environment": {},
    }  # fmt: skip
    return Report.model_validate(facts | changes)
