"""The approved patch as a commit on a new branch, with a message made from the run's facts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial

from agent import markdown, report
from agent.deps import Deps
from agent.report import Report
from agent.state import RunState, Status
from tools import branch, git
from tools.redaction import redact
from tools.text import one_line

WIDTH = 72
RUN = "Locum-Run"
"""The trailer that tells which run made a commit."""


def commit(deps: Deps, state: RunState, files: Sequence[str]) -> str:
    """The id of the commit that holds `files` on the branch that the task names.

    Raises ToolsError, with no branch made. A run that was interrupted right behind its commit
    finds it and makes no second one.
    """
    path, name = deps.workspace.source, deps.task.branch
    made = branch.tip(path, name)
    if made and f"\n{RUN}: {deps.run_id}\n" in branch.message(path, made):
        return made
    changed = deps.workspace.changed()
    facts = report.build({**state, "applied": list(files)}, deps, deps.workspace.diff())
    chosen = {file: changed[file] for file in files}
    text = message(facts, _beside(deps))
    made = branch.commit(path, name, chosen, text, branch.person(path))
    deps.record.write("committed", branch=name, commit=made, onto=git.facts(path).head)
    return made


def _beside(deps: Deps) -> tuple[str, ...]:
    """Files that the tests ran with and that no commit holds."""
    space = deps.workspace
    copied = {file: partial(space.original, file) for file in space.manifest.files}
    return branch.uncommitted(space.source, copied)


def message(facts: Report, uncommitted: Sequence[str] = ()) -> str:
    """Subject, what was wrong, what the tests could not tell, and trailers; no word of the model.

    `uncommitted` names files that the tests ran with and that are not in the commit.
    """
    done = [item for item in facts.items if item.patch]
    body = [_wrapped(f"{item.path}:{item.first_line}: {item.title}") for item in done]
    caveats = [_wrapped(caveat) for caveat in facts.caveats]
    if uncommitted:
        caveats.append(_wrapped(_untold(uncommitted)))
    b, a = facts.before, facts.after
    trailers = {
        "Tests-Before": f"{b.passed} of {b.total} pass",
        "Tests-After": f"{a.passed} of {a.total} pass",
        "Assisted-by": f"locum ({facts.effort.model})",
        RUN: facts.run_id,
    }
    paragraphs = [
        textwrap.shorten(one_line(markdown.title(facts), 400), WIDTH, placeholder=" …"),
        "\n".join(body),
        _wrapped(_mended_with(facts)),
        "\n".join(caveats),
        "\n".join(f"{key}: {one_line(value)}" for key, value in trailers.items()),
    ]
    return redact("\n\n".join(part for part in paragraphs if part) + "\n")


def _untold(files: Sequence[str]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"The tests ran with changes that are not committed: {', '.join(files[:3])}{more}."


def _mended_with(facts: Report) -> str:
    same = sum(item.status is Status.SAME_CAUSE for item in facts.items)
    return f"The same edits mend {same} more item{'s' * (same > 1)} of the plan." if same else ""


def _wrapped(text: str) -> str:
    if not text:
        return ""
    line = one_line(text, 300)
    return textwrap.fill(
        line, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False
    )
