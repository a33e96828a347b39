"""Which step of the search comes next: the one with the largest expected gain per second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent.repair.places import MODULE
from agent.repair.seams import Evidence, Proposer, Suspect
from tools.report import TestResult

SHARPNESS = 3.0
"""Exponent that turns the scores of suspects into probabilities: the likeliest of 1 to 6 on 55
localised bugs (31 of public libraries, the others of this project's own repositories)."""
ANYWHERE = 0.1
"""Probability, shared by all suspects alike, that the scores say nothing."""
PRIOR_CHANCES, PRIOR_TIMES = 20.0, 5.0
"""How many observations the built-in estimates of chance and seconds count for."""
USUAL_LINES, MOST = 40, 3.0
"""The estimated seconds are those of a suspect of so many lines; a longer one takes up to so many
times as long to be read: 9 s for 40 lines, 48 s for 120 on a slow day."""
LOOSE_LINES = 60
"""Lines that are shown of a module: only single ones of it are suspected."""
HANGING = 0.3
"""Seconds that a candidate costs whose test hangs: it is not waited for as long as at first."""
RUN_OVERHEAD = 0.03
"""Seconds that a candidate costs beside its tests: forking, writing, reporting. Measured: 0.022 to
0.047 for each candidate with two lanes."""


class Tally(BaseModel):
    """What one step did in past runs on this machine."""

    model_config = ConfigDict(frozen=True)

    asked: int = 0
    seconds: float = 0.0
    """Spent on proposing, all times together."""
    judged: int = 0
    """Items that it was asked about and that were mended, by whatever step, where it looked."""
    mended: int = 0
    """Those that this step mended."""


class History(BaseModel):
    """Tallies by the names of steps; what estimates are corrected by."""

    model_config = ConfigDict(frozen=True)

    steps: dict[str, Tally] = Field(default_factory=dict)

    def chance(self, step: Step) -> float:
        """A step with no chance at all stays the last, whatever it has mended."""
        tally = self.steps.get(step.name, Tally())
        if step.chance == 0:
            return 0.0
        return (tally.mended + PRIOR_CHANCES * step.chance) / (tally.judged + PRIOR_CHANCES)

    def seconds(self, step: Step) -> float:
        tally = self.steps.get(step.name, Tally())
        return (tally.seconds + PRIOR_TIMES * step.seconds) / (tally.asked + PRIOR_TIMES)

    def learned(self, entries: Iterable[Mapping[str, Any]]) -> History:
        """This history with the record of one more run.

        A step of a bug's second turn took no time: its question was remembered.
        """
        steps = dict(self.steps)
        asked: dict[int, list[_Part]] = {}
        for entry in entries:
            data = entry["data"]
            if entry["kind"] == "proposed" and data.get("steps"):
                before = asked.setdefault(data["item"], [])
                known = {(part.name, part.suspect) for part in before}
                parts = _parts(data)
                before.extend(parts)
                for part in parts:
                    if (part.name, part.suspect) not in known:
                        _add(steps, part.name, asked=1, seconds=part.seconds)
            elif entry["kind"] == "accepted" and data["item"]["chosen"]:
                _judge(steps, asked.get(data["item"]["number"], []), data["item"]["chosen"])
        return History(steps=steps)


@dataclass(frozen=True)
class _Part:
    """What one step proposed in one round, as the record tells it."""

    name: str
    suspect: int | None
    seconds: float
    candidates: Sequence[Mapping[str, Any]]


def _parts(data: Mapping[str, Any]) -> list[_Part]:
    found, first = [], 0
    for told in data["steps"]:
        mine = data["candidates"][first : first + told["count"]]
        first += told["count"]
        found.append(_Part(told["name"], told["suspect"], told["seconds"], mine))
    return found


def _judge(steps: dict[str, Tally], parts: Sequence[_Part], chosen: Mapping[str, Any]) -> None:
    """Credit the step that mended the item; it counts against those that had the same chance."""
    winner = next(
        (part for part in reversed(parts) if chosen["candidate"] in part.candidates), None
    )
    if winner is None:
        return
    rivals = {part.name for part in parts if part.suspect in (None, winner.suspect)}
    for name in sorted(rivals):
        _add(steps, name, judged=1, mended=int(name == winner.name))


def _add(steps: dict[str, Tally], name: str, **more: float) -> None:
    tally = steps.get(name, Tally()).model_dump()
    steps[name] = Tally(**{key: value + more.get(key, 0) for key, value in tally.items()})


@dataclass(frozen=True)
class Step:
    """Candidates `first` to `last` (exclusive) of one proposer, and what they are worth."""

    name: str
    """The key of its history; steps that differ only in their suspect share it."""
    proposer: Proposer
    first: int = 0
    last: int | None = None
    suspect: int | None = None
    """Rank of the suspect that it looks at; None when it looks at all of them."""
    chance: float = 0.1
    """Estimated probability that it mends a fault that lies in its suspect."""
    seconds: float = 0.0
    """Estimated time of proposing; no model: 0."""
    candidates: int = 50
    """About how many it proposes."""
    follows: bool = False
    """It lives on what the first round found, costs nothing where that is nothing, and comes
    right behind it."""


def probabilities(suspects: Sequence[Suspect]) -> list[float]:
    """That each suspect holds the fault; they add up to 1."""
    powers = [suspect.score**SHARPNESS for suspect in suspects]
    total = sum(powers) or 1.0
    return [(1 - ANYWHERE) * power / total + ANYWHERE / len(powers) for power in powers]


def ordered(steps: Sequence[Step], evidence: Evidence, history: History) -> list[Step]:
    """By falling expected gain per second; steps for suspects that there are not are left out.

    The order depends on nothing else than the arguments, so a resumed run finds it again.
    """
    likely = probabilities(evidence.suspects)
    a_run = RUN_OVERHEAD + max((_seconds(test) for test in evidence.failing), default=0.0)

    def gain(step: Step) -> float:
        there = 1.0 if step.suspect is None else likely[step.suspect]
        seconds = proposing_seconds(step, evidence, history) + step.candidates * a_run
        return there * history.chance(step) / seconds

    possible = [s for s in steps if s.suspect is None or s.suspect < len(likely)]
    return sorted(possible, key=lambda step: -gain(step))


def proposing_seconds(step: Step, evidence: Evidence, history: History) -> float:
    """Estimated time until the step's candidates are there; 0 without the model."""
    slower = 1.0 if step.suspect is None else _slowness(evidence.suspects[step.suspect])
    return history.seconds(step) * slower


def _seconds(test: TestResult) -> float:
    return min(test.seconds, HANGING) if test.hung else test.seconds


def _slowness(suspect: Suspect) -> float:
    lines = suspect.last_line - suspect.first_line + 1
    if suspect.name == MODULE:
        lines = min(lines, LOOSE_LINES)
    return min(MOST, (USUAL_LINES + lines) / (2 * USUAL_LINES))
