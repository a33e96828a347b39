"""The one way in: every tool call is checked, decided, counted, run and reported here."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import BaseModel, ConfigDict, Field

from tools.beneath import sentence
from tools.errors import ToolsError
from tools.policy import Caller, Decision, Policy
from tools.text import one_line
from tools.toolbox import Output, Tool, Toolbox

LONGEST_ARGUMENTS = 2_000_000
"""Characters of a call's arguments as JSON."""
_SHOWN = 300


@dataclass(frozen=True)
class ToolResult:
    """What came of a call. A refused or failed call is a result like any other."""

    ok: bool
    content: str
    """Text for the model, without control sequences."""
    data: Any
    """The tool's own value for the harness; None when it did not run."""
    decision: Decision
    call: int = 0
    """Number of the call in this session, from 1."""


class Ruling(BaseModel):
    """What was decided on a call, told before the call is made."""

    model_config = ConfigDict(frozen=True)

    call: int
    """Number of the call in this session, from 1."""
    tool: str
    caller: Caller
    read_only: bool
    decision: Decision
    given: dict[str, Any] = Field(exclude=True, repr=False)
    """The arguments, whole; empty where they could not be read."""


class ToolRecord(BaseModel):
    """One call, as the run's record keeps it."""

    model_config = ConfigDict(frozen=True)

    call: int
    """Number of the call in this session, from 1."""
    tool: str
    arguments: dict[str, Any]
    """Shortened."""
    caller: Caller
    decision: Decision
    ok: bool
    seconds: float
    summary: str
    """The first line of the result."""
    effect: str = ""
    """SHA-256 of what a repetition gives again; empty when the tool did not run to its end."""
    content: str = Field(default="", exclude=True, repr=False)
    """The whole text of the result."""
    data: Any = Field(default=None, exclude=True, repr=False)


class Gateway:
    """Safe to call from several threads: decisions and reports come one at a time, in the order of
    the calls' numbers and of their ends; only the tools themselves run side by side.
    """

    def __init__(
        self,
        tools: Toolbox,
        policy: Policy,
        on_call: Callable[[ToolRecord], None],
        on_ruling: Callable[[Ruling], None] = lambda _: None,
    ) -> None:
        """`on_ruling` hears of every decision before the call is made, and `on_call` of every call
        after it was made or refused. What they raise, passes: what cannot be recorded is not done.
        """
        self._tools = tools
        self._policy = policy
        self._on_call = on_call
        self._on_ruling = on_ruling
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._validators = {tool.name: Draft202012Validator(tool.parameters) for tool in tools}

    def beside(
        self,
        tools: Toolbox,
        on_call: Callable[[ToolRecord], None],
        on_ruling: Callable[[Ruling], None] = lambda _: None,
    ) -> Self:
        """A gateway to other tools of the same run: one policy, one row of numbers, one lock."""
        other = type(self)(tools, self._policy, on_call, on_ruling)
        other._numbers, other._lock = self._numbers, self._lock
        return other

    def specs(self, *, read_only: bool) -> list[dict[str, Any]]:
        """The tools that the model may call, as the `tools` array of the OpenAI API."""
        return [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in self._tools
            if tool.for_model and not (read_only and tool.changes)
        ]

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        caller: Caller = "harness",
        read_only: bool = False,
    ) -> ToolResult:
        """Make one call; bad input of any kind is a result with `ok=False`, never an exception.

        `read_only` refuses tools that write or run things, whatever was offered to the model.
        """
        started = time.monotonic()
        parsed, problem = _parsed(arguments)
        tool = self._tools.get(name)
        with self._lock:
            decision = problem or self._decide(tool, name, parsed, caller, read_only)
            ruling = Ruling(
                call=next(self._numbers),
                tool=one_line(name, 80),
                caller=caller,
                read_only=read_only,
                decision=decision.model_copy(update={"policy_version": self._policy.version}),
                given=parsed,
            )
            self._on_ruling(ruling)
        output, effect = self._made(tool, ruling)
        told = ToolRecord(
            call=ruling.call,
            tool=ruling.tool,
            arguments=_shortened(parsed),
            caller=caller,
            decision=ruling.decision,
            ok=output.ok,
            seconds=time.monotonic() - started,
            summary=one_line(output.content.partition("\n")[0], _SHOWN),
            effect=effect,
            content=output.content,
            data=output.data,
        )
        with self._lock:
            self._on_call(told)
        return ToolResult(output.ok, output.content, output.data, ruling.decision, ruling.call)

    @staticmethod
    def _made(tool: Tool | None, ruling: Ruling) -> tuple[Output, str]:
        """What came of the call as it was decided, and its effect."""
        if tool is None or ruling.decision.verdict != "allow":
            return Output(ruling.decision.reason, ok=False), ""
        output = _run(tool, ruling.given)
        again = output.content if output.again is None else output.again
        return output, "" if output.cut else _digest(again)

    def judge(self, name: str, arguments: Mapping[str, Any] | str) -> Decision:
        """What would be decided on such a call of the model; it is neither made nor recorded."""
        parsed, problem = _parsed(arguments)
        return problem or self._decide(self._tools.get(name), name, parsed, "model", False)

    def _decide(
        self,
        tool: Tool | None,
        name: str,
        arguments: Mapping[str, Any],
        caller: Caller,
        read_only: bool,
    ) -> Decision:
        if tool is None or (caller == "model" and not tool.for_model):
            return _refused("tool.unknown", f"There is no tool {one_line(name, 80)!r}.")
        if read_only and tool.changes:
            return _refused("phase.read-only", f"{name} is not available in this phase.")
        error = best_match(self._validators[name].iter_errors(arguments))
        if error is not None:
            where = "".join(f"[{part!r}]" for part in error.absolute_path)
            reason = f"The arguments do not fit: {where} {one_line(error.message, 200)}"
            return _refused("arguments.schema", " ".join(reason.split()))
        return self._policy.decide(name, arguments, caller, changes=tool.changes)


def _parsed(arguments: Mapping[str, Any] | str) -> tuple[dict[str, Any], Decision | None]:
    if not isinstance(arguments, str):
        return dict(arguments), None
    if len(arguments) > LONGEST_ARGUMENTS:
        return {}, _refused("arguments.size", "The arguments are too long.")
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        reason = f"The arguments are not valid JSON: {one_line(str(error), 120)}."
        return {}, _refused("arguments.json", reason)
    if not isinstance(value, dict):
        return {}, _refused("arguments.json", "The arguments are not a JSON object.")
    return value, None


def _run(tool: Tool, arguments: Mapping[str, Any]) -> Output:
    try:
        return tool.run(arguments)
    except (ToolsError, OSError) as error:
        path = arguments.get("path", tool.name)
        return Output(one_line(sentence(error, str(path)), 500), ok=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _refused(rule: str, reason: str) -> Decision:
    return Decision(verdict="deny", rule=rule, reason=reason)


def _shortened(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` as they can be kept: short, printable, and not nested."""
    kept: dict[str, Any] = {}
    for key, value in itertools.islice(arguments.items(), 20):
        plain = isinstance(value, (bool, int, float)) or value is None
        kept[one_line(str(key), 80)] = value if plain else _text(value)
    return kept


def _text(value: object) -> str:
    if isinstance(value, str):
        text, length = value, len(value)
    elif isinstance(value, (list, tuple)):
        text, length = " ".join(str(item)[:_SHOWN] for item in value[:20]), len(value)
        return one_line(text, _SHOWN) + (f" ({length} items)" if length > 20 else "")
    else:
        text, length = f"<{type(value).__name__}>", 0
    more = f" ({length} characters)" if length > _SHOWN else ""
    return one_line(text[: 2 * _SHOWN], _SHOWN) + more
