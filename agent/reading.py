"""The model reads the code through read-only tools and says what it thinks is wrong."""

from __future__ import annotations

import re
from typing import Any

from agent.deps import Deps
from agent.prompts import prompt
from agent.state import Finding, PlanItem
from runtime.client import Answer
from tools.gateway import Gateway
from tools.text import head_and_tail, one_line, strip_control

TURNS = 2
ANSWER_TOKENS = 80
AFTER_ROUNDS, LATE = 7, 0.75
"""Rounds of the search, and the part of the bug's time, that come before: what was read tells a
person something, not the search, and takes 5 to 34 s on a slow machine."""
SHORTEST_BUDGET = 240.0
"""Seconds; a run with less spends all of them on the search."""
TOOL_TEXT = 2_500
"""Characters of a tool's answer that the model gets to see; about 700 tokens, 4 s of prefill."""
_CAUSE = re.compile(r"^[\s\-*`\d.)]*([\w./\-]+\.\w+):(\d+)`?:?\s*(.+)$")


def read(deps: Deps, item: PlanItem) -> tuple[list[Finding], list[str]]:
    """What the model found about a bug, each checked against the workspace, and what was dropped.

    Two turns at most. Nothing here is a fact: findings are kept as explanations only.
    """
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": prompt("read")},
        {"role": "user", "content": _question(deps, item)},
    ]
    text = ""
    for turn in range(TURNS):
        last = turn == TURNS - 1
        answer = deps.thinker.chat(
            messages,
            purpose="read",
            max_tokens=ANSWER_TOKENS,
            seed=deps.task.seed,
            tools=() if last else deps.gateway.specs(read_only=True),
            show=True,
        )
        text = answer.texts[0]
        if not answer.tool_calls or last:
            break
        messages += _call_tools(deps, answer)
    return _check(deps, text)


class GatewayReading:
    """The search's ReadingTools: the model's calls through the gateway, which change nothing."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def specs(self) -> list[dict[str, Any]]:
        """The `tools` array of the OpenAI API."""
        return self._gateway.specs(read_only=True)

    def call(self, name: str, arguments: str) -> str:
        """The answer to one call; a refused or a bad one is answered too."""
        return self._gateway.call(name, arguments, caller="model", read_only=True).content


def _question(deps: Deps, item: PlanItem) -> str:
    """The bug with the code that is suspected, so that one answer is usually enough."""
    part = deps.call(
        "read_file", path=item.path, first_line=item.first_line, last_line=item.last_line
    )
    numbered = enumerate(part.content.splitlines(), item.first_line)
    code = "\n".join(f"{number}: {line}" for number, line in numbered)
    lines = ["Failing tests and where they lead:", f"- {item.title}"]
    lines += [f"  - {one_line(evidence, 160)}" for evidence in item.evidence[:2]]
    return "\n".join([*lines, f"{item.path}:", f"```\n{head_and_tail(code, TOOL_TEXT)}\n```"])


def _call_tools(deps: Deps, answer: Answer) -> list[dict[str, Any]]:
    calls = answer.tool_calls[:3]
    spoken = {
        "role": "assistant",
        "content": answer.texts[0],
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ],
    }
    results = []
    for call in calls:
        got = deps.gateway.call(call.name, call.arguments, caller="model", read_only=True)
        content = head_and_tail(got.content, TOOL_TEXT)
        results.append({"role": "tool", "tool_call_id": call.id, "content": content})
    return [spoken, *results]


def _check(deps: Deps, text: str) -> tuple[list[Finding], list[str]]:
    """Keeps the lines that name a line which exists."""
    found, dropped = [], []
    for line in strip_control(text).splitlines():
        match = _CAUSE.match(line)
        if match is None:
            continue
        path, number, words = match[1].removeprefix("./"), int(match[2]), match[3]
        result = deps.call("read_file", path=path)
        if not result.ok:
            dropped.append(f"The model named {one_line(path, 80)}, which cannot be read.")
        elif number > result.content.count("\n") + 1 or number < 1:
            dropped.append(f"The model named line {number} of {path}, which does not exist.")
        else:
            found.append(Finding(path=path, line=number, text=one_line(words, 300)))
    return found, dropped
