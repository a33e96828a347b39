"""What a view of a run is made of: phases, groups of tool calls, candidates, the model's words."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from agent import events as ev

CALLS_KEPT = 40
"""Calls of one group that are kept; the run's record has them all."""


@dataclass
class Phase:
    """One station of the workflow, over all visits."""

    name: str
    visits: int = 0
    seconds: float = 0.0
    """Without the visit that lasts."""
    tokens: int = 0
    """Written by the model in this phase."""
    detail: str = ""


@dataclass
class Group:
    """Calls of one phase that went well, one behind the other; or one that did not; or a note."""

    number: int
    phase: str
    well: bool
    """Whether nobody has to look at it."""
    note: str = ""
    calls: deque[ev.ToolCalled] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    """The latest of them."""
    tools: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, call: ev.ToolCalled) -> None:
        self.calls.append(call)
        self.tools[call.tool] += 1
        self.seconds += call.seconds


@dataclass
class Attempt:
    """One candidate on the board."""

    event: ev.CandidateTried
    rank: int = 0
    """Among its item's latest survivors, from 1; 0: none."""
    reason: str = ""


@dataclass
class Speech:
    """What the model says; pieces wait here until the screen takes them."""

    waiting: list[str] = field(default_factory=list)
    open: bool = False
    """Whether it is in the middle of an answer."""

    def take(self) -> str:
        text = "".join(self.waiting)
        self.waiting.clear()
        return text


@dataclass
class Spent:
    """What the model did for one purpose."""

    requests: int = 0
    prompt: int = 0
    cached: int = 0
    written: int = 0
    seconds: float = 0.0
