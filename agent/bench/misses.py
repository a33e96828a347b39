"""Why a task was not mended, from what its run did."""

from __future__ import annotations

from pathlib import Path

from agent.bench.case import Built
from agent.bench.names import find
from agent.bench.reference import Places
from agent.bench.results import Grade, Miss
from agent.bench.tried import Story
from agent.repair.seams import Verdict
from agent.state import PlanItem

PLAN_SHARE = 0.9
"""Of the budget: a plan that took so much left no time for a search."""


class Course:
    """How far a run came on one task: what was suspected, tried and passed."""

    def __init__(self, built: Built, story: Story, original: Path) -> None:
        """`original` is the tree before the run."""
        self._story = story
        self._reference = built.reference
        self._items = _about(built, story)
        numbers = {item.number for item in self._items}
        self._ran = [v for number, v in story.tried if number in numbers and not v.rejected]
        self._places = _places(built, original)

    @property
    def rank(self) -> int | None:
        """The best place of the reference function among the suspects of an item, from 1."""
        if self._reference is None:
            return None
        ranks = [self._reference.rank(item.suspects) for item in self._items]
        return min((rank for rank in ranks if rank is not None), default=None)

    @property
    def tried_in_reference(self) -> int:
        """Candidates that ran and edit the reference function."""
        return sum(self._touches(verdict) for verdict in self._ran)

    def miss(self, grade: Grade, budget: float, *, worse: bool) -> Miss | None:
        """The first thing that went wrong; None when the task is right or unsound.

        `budget` is the run's, in seconds; `worse`: the named tests pass and others got worse.
        """
        if grade in (Grade.RIGHT, Grade.UNSOUND):
            return None
        if grade is Grade.FAILED:
            return Miss.COULD_NOT_RUN
        if grade is Grade.OVERFITS:
            return Miss.OVERFITS
        if worse:
            return Miss.REGRESSED
        if not self._ran and self._story.plan_seconds >= PLAN_SHARE * budget:
            return Miss.PLAN_TOO_LONG
        if self._reference is not None and self.rank is None:
            return Miss.NOT_LOCALISED
        if not self._ran or (self._places is not None and not self.tried_in_reference):
            return Miss.NOT_TRIED
        passed = any(v.target_total and v.target_passed == v.target_total for v in self._ran)
        return Miss.REGRESSED if passed or self._story.refused else Miss.NONE_PASSED

    def _touches(self, verdict: Verdict) -> bool:
        return self._places is not None and self._places.touched(verdict.candidate.splices)


def _about(built: Built, story: Story) -> list[PlanItem]:
    """The items of the tests that the task names; all of them when it names none."""
    if not built.targets:
        return list(story.items)
    named = {r.id for name in built.targets for r in find(name, story.baseline.failing)}
    own = [item for item in story.items if named & set(item.targets)]
    return own or list(story.items)


def _places(built: Built, original: Path) -> Places | None:
    if built.reference is None:
        return None
    try:
        return built.reference.places(original)
    except OSError:
        return None
