"""What the model says about the mended bugs, for the summary: an explanation, never a fact."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent

from agent.deps import Deps
from agent.events import Note
from agent.patches import changed
from agent.prompts import prompt
from agent.repair.prompt import fenced
from agent.state import Kind, PlanItem, RunState, items_of
from runtime.errors import RuntimeFailure
from tools.text import head_and_tail, strip_control

BUGS = 3
TOKENS = 128
"""Of the answer, for each bug; of 14 answers the longest had 85."""
LINES = 1_000
"""Characters of one bug's old lines, and as many of its new ones."""


def explain(deps: Deps, state: RunState) -> str:
    """The model's words about the mended bugs; empty when it was never needed, or fails now."""
    bugs = [item for item in items_of(state) if item.kind is Kind.BUG and item.patch][:BUGS]
    if not (deps.task.explain and bugs and deps.thinker.started):
        return ""
    try:
        answer = deps.thinker.chat(
            [
                {"role": "system", "content": prompt("explain")},
                {"role": "user", "content": "\n".join(map(question, bugs))},
            ],
            purpose="explain",
            max_tokens=TOKENS * len(bugs),
            seed=deps.task.seed,
            show=True,
        )
    except RuntimeFailure as error:
        deps.emit(Note(text=f"The summary has no explanation: {error}", level="warning"))
        return ""
    return strip_control(answer.texts[0]).strip()


def question(item: PlanItem) -> str:
    """The changed lines and nothing else.

    Told of the failing test, or shown the code around, a small model makes up reasons: of 14
    explanations one reader found 11 wrong with both, 6 with the code alone and 5 with neither.
    """
    removed, added = changed(item.patch)
    return f"Old lines, in {item.subject}:{_told(removed)}\nNew lines:{_told(added)}"


def _told(lines: Sequence[str]) -> str:
    text = dedent("\n".join(lines)).strip("\n")
    return f"\n{fenced(head_and_tail(text, LINES))}" if text else " none"
