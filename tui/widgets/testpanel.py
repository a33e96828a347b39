"""The repository's tests: before any edit, and as they stand now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from agent.events import TestsFinished
from tui.view import RunView
from tui.widgets.pane import Pane
from tui.words import cell, clock, meter

NAMED = 200
"""Failing tests that are listed."""


class TestPanel(Pane):
    __test__ = False
    PARTS = frozenset({"tests"})

    def lines(self, view: RunView, width: int) -> list[Content]:
        lines = []
        if view.progress is not None:
            done, total = view.progress.done, view.progress.total
            bar = meter(done / total if total else 0.0, max(4, min(30, width - 24)))
            lines.append(Content.assemble("running  ", bar, f"  {done} of {total}"))
        if view.before is None or view.latest is None:
            return lines or [cell("The tests have not run yet.", "$muted")]
        lines += [_counts("before", view.before, width), _counts("now", view.latest, width)]
        failing = view.latest.failing
        mended = [name for name in view.before.failing if name not in set(failing)]
        if failing:
            lines += [Content(""), cell(f"Failing ({len(failing)})", "bold")]
            lines += _listed(failing[:NAMED], "✗", "$text-error", view.latest.messages, width)
        if len(failing) > NAMED:
            lines.append(cell(f"and {len(failing) - NAMED} more", "$muted"))
        if mended:
            lines += [Content(""), cell("Failed before, pass now", "bold")]
            lines += _listed(mended[:NAMED], "✓", "$text-success", {}, width)
        return lines

    def subtitle(self, view: RunView) -> str:
        if view.before is None or view.latest is None:
            return ""
        return f"{view.before.passed} → {view.latest.passed} of {view.latest.total}"


def _counts(label: str, seen: TestsFinished, width: int) -> Content:
    share = seen.passed / seen.total if seen.total else 0.0
    bar = meter(share, max(4, min(30, width - 36)))
    style = "bold $text-success" if seen.passed == seen.total else "bold $text-warning"
    passed = cell(f"{seen.passed} of {seen.total} pass", style)
    return Content.assemble(f"{label:<8} ", bar, "  ", passed, f"  {clock(seen.seconds)}")


def _listed(
    names: Sequence[str], mark: str, style: str, messages: Mapping[str, str], width: int
) -> list[Content]:
    """Tests under their files, each with its message below it."""
    lines = []
    heading = ""
    for name in names:
        file, _, test = name.rpartition("::")
        if file != heading:
            heading = file
            lines.append(cell(file, "$muted"))
        line = Content.assemble(" ", cell(f"{mark} {test}", style))
        lines.append(line.truncate(width, ellipsis=True))
        if message := messages.get(name, ""):
            lines.append(Content.assemble("   ", cell(message, "$muted")))
    return lines
