"""The grade of a finished run: by all tests of a small tree, or by the tests that a task names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.bench.case import Built
from agent.bench.judge import Selected, judge, judge_survivors, select
from agent.bench.results import Grade
from agent.bench.trees import TreeTests
from agent.bench.tried import Story
from agent.repair.seams import Splice

MOST_JUDGED = 100
"""Survivors of one run that are judged."""


@dataclass(frozen=True)
class Graded:
    grade: Grade
    worse: bool = False
    """Whether the failing tests pass and others got worse."""
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, object]:
        """Fields of the result."""
        return {"grade": self.grade, **self.more}


@dataclass(frozen=True)
class Grading:
    """One finished run. Both trees may be written to."""

    tests: TreeTests
    built: Built
    original: Path
    """The tree before the run."""
    tree: Path
    """The tree as the run left it."""
    story: Story

    def grade(self, patch: str) -> Graded:
        """`patch` is what the run changed; raises CouldNotRun, ToolsError."""
        if not self.built.targets:
            return self._by_all()
        selected = select(self.built, self.story)
        note = " ".join(filter(None, [self.built.note, selected.note]))
        if patch:
            return self._by_name(selected, note)
        untouched = (0, len(self.built.targets))
        return Graded(Grade.NOT_FIXED, more={"visible": untouched, "note": note})

    def _by_all(self) -> Graded:
        """By all visible and all hidden tests, each time the whole suite."""
        _lay(self.tree, self.built.hidden)
        hidden, command = self.built.hidden.keys(), self.built.test_command
        final = self.tests.judge(self.tree, hidden, command)
        grade = Grade.OVERFITS if final.plausible else Grade.NOT_FIXED
        more: dict[str, object] = {
            "visible": (final.visible.passed, final.visible.total),
            "hidden": (final.hidden.passed, final.hidden.total),
        }
        if survivors := _survivors(self.story):
            _lay(self.original, self.built.hidden)
            found = self.tests.judge_edits(self.original, hidden, survivors, command)
            more |= _about_survivors([judgement.right for judgement in found])
        return Graded(Grade.RIGHT if final.right else grade, more=more)

    def _by_name(self, selected: Selected, note: str) -> Graded:
        """By the named tests and those that passed before; hidden ones run last and alone."""
        tests, built = self.tests, self.built
        final = judge(tests, built, selected, self.original, self.tree)
        more: dict[str, object] = {"visible": (final.passed, final.total), "note": note}
        grade = Grade.RIGHT if final.mended else Grade.NOT_FIXED
        if built.hidden:
            _lay(self.tree, built.hidden)
            hidden = tests.judge(self.tree, built.hidden.keys(), built.test_command).hidden
            more["hidden"] = (hidden.passed, hidden.total)
            if final.mended and not (hidden.total and hidden.all_pass):
                grade = Grade.OVERFITS
        elif survivors := _survivors(self.story):
            found = judge_survivors(tests, built, selected, self.original, survivors)
            more |= _about_survivors(found)
        return Graded(grade, final.passed == final.total and bool(final.worse), more)


def _survivors(told: Story) -> list[Sequence[Splice]]:
    """One for each edit, at most as many as are judged, the first one first.

    None when several items were mended: a survivor of a later one lies on top of edits.
    """
    surviving = [(item, verdict) for item, verdict in told.tried if verdict.survives]
    if len({*told.accepted, *(item for item, _ in surviving)}) != 1:
        return []
    found: dict[tuple[object, ...], Sequence[Splice]] = {}
    for _, verdict in surviving:
        splices = verdict.candidate.splices
        found.setdefault(tuple((s.path, s.start, s.end, s.text) for s in splices), splices)
    return list(found.values())[:MOST_JUDGED]


def _about_survivors(right: Sequence[bool]) -> dict[str, object]:
    if not right:
        return {}
    return {
        "first_right": right[0],
        "any_right": any(right),
        "survivors_judged": len(right),
        "survivors_right": sum(right),
    }


def _lay(root: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
