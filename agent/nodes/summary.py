"""Writes what the run did: Markdown for the pull request, the patch, and the JSON report."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agent import explaining, junit, learning, looking, markdown, report
from agent.deps import Deps
from agent.events import Done, PhaseStarted
from agent.home import put
from agent.packing import sha256
from agent.state import Goal, RunState, report_of

SUMMARY, PATCH, REPORT = "summary.md", "fix.patch", "report.json"
BEFORE, AFTER = "before.xml", "after.xml"
"""The tests of the first and the last run, as JUnit XML."""


def summary(state: RunState, runtime: Runtime[Deps]) -> RunState:
    deps = runtime.context
    deps.emit(PhaseStarted(phase="summary"))
    deps.workspace.reset(state.get("edits", {}))
    patch = deps.workspace.diff()
    fixing = deps.task.goal is Goal.FIX
    explanation = explaining.explain(deps, state) if fixing else looking.explain(deps, state)
    state = {**state, "explanation": explanation}
    facts = report.build(state, deps, patch)
    text = markdown.render(facts) if fixing else looking.render(facts, state)
    paths = {name: deps.home / name for name in (SUMMARY, PATCH, REPORT)}
    put(paths[SUMMARY], text)
    patch_bytes = deps.workspace.patch()
    paths[PATCH].write_bytes(patch_bytes)
    put(paths[REPORT], facts.model_dump_json(indent=2) + "\n")
    for name, key in ((BEFORE, "baseline"), (AFTER, "now")):
        tests = report_of(state, key)
        (deps.home / name).write_bytes(junit.render(tests, f"{name[:-4]} run {deps.run_id}"))
    deps.trace.on_end()
    deps.record.write(
        "done",
        exit_status=facts.exit_status,
        headline=facts.headline,
        patch_sha256=sha256(patch_bytes),
    )
    learning.learn(deps.record.path)
    deps.emit(
        Done(
            run_id=deps.run_id,
            exit_status=facts.exit_status,
            headline=facts.headline,
            summary=text,
            summary_path=str(paths[SUMMARY]),
            patch_path=str(paths[PATCH]),
            report_path=str(paths[REPORT]),
        )
    )
    return {"explanation": explanation}
