"""Where the run stands: its phases, and below them the items of its plan."""

from __future__ import annotations

from textual.content import Content

from agent.state import PlanItem, Status
from tui.view import PHASES, RunView
from tui.widgets.pane import Pane
from tui.words import cell, clock, count, meter

MARKS = {
    "done": ("✓", "$text-success"),
    "active": ("●", "$text-accent"),
    "waiting": ("○", "$faint"),
}
ITEMS = {
    Status.FIXED: ("✓", "$text-success"),
    Status.PARTLY: ("◐", "$text-warning"),
    Status.FAILED: ("✗", "$text-error"),
    Status.SAME_CAUSE: ("✓", "$text-success"),
    Status.REPORTED: ("!", "$text-warning"),
    Status.OPEN: ("○", "$faint"),
}


class Sidebar(Pane):
    PARTS = frozenset({"phases", "plan", "status"})

    def lines(self, view: RunView, width: int) -> list[Content]:
        lines: list[Content] = []
        for name in PHASES:
            lines += _phase(view, name, width)
        if view.started is not None:
            lines += [Content(""), *_budget(view, width)]
        if view.items:
            lines += [Content(""), cell("Plan", "bold")]
            for item in view.items.values():
                lines += _item(item, width)
        return lines


def breadcrumb(view: RunView, width: int) -> Content:
    """The phases in one line, for narrow terminals: in short where they do not fit."""
    for short in (False, True):
        parts = []
        for name in PHASES:
            state = view.state_of(name)
            mark, style = MARKS[state]
            label = f" {name}" if not short or state == "active" else ""
            attempt = f" {view.attempt}" if name == "edit" and view.attempt else ""
            bold = "bold " if state == "active" else ""
            parts.append(Content.styled(f"{mark}{label}{attempt}", bold + style))
        line = Content(" › ").join(parts)
        if line.cell_length <= width:
            break
    return line.truncate(width, ellipsis=True)


def _phase(view: RunView, name: str, width: int) -> list[Content]:
    state = view.state_of(name)
    mark, style = MARKS[state]
    phase = view.phases[name]
    title = f"{name}" + (f" · attempt {phase.visits}" if name == "edit" and phase.visits else "")
    seconds = view.seconds_in(name)
    told = clock(seconds) if phase.visits else ""
    left = Content.assemble((f"{mark} ", style), (title, "bold" if state == "active" else ""))
    lines = [_ends(left, cell(told, "$muted"), width)]
    if phase.tokens:
        lines.append(Content.styled(f"  {count(phase.tokens)} tokens", "$muted"))
    return lines


def _budget(view: RunView, width: int) -> list[Content]:
    assert view.started is not None
    whole = max(view.elapsed + view.seconds_left, 1.0)
    left = Content.assemble(("elapsed ", "$muted"), clock(view.elapsed))
    right = Content.assemble((clock(view.seconds_left), ""), (" left", "$muted"))
    return [_ends(left, right, width), meter(view.elapsed / whole, width)]


def _item(item: PlanItem, width: int) -> list[Content]:
    mark, style = ITEMS[item.status]
    name = item.subject or item.path.rpartition("/")[2]
    title = Content.assemble((f"{mark} ", style), f"{item.number}. ", cell(name))
    place = f"{item.kind.value}, {item.path.rpartition('/')[2]}:{item.first_line}"
    return [
        title.truncate(width, ellipsis=True),
        Content.assemble("  ", cell(place, "$muted")).truncate(width, ellipsis=True),
    ]


def _ends(left: Content, right: Content, width: int) -> Content:
    gap = max(1, width - left.cell_length - right.cell_length)
    return Content.assemble(left, " " * gap, right).truncate(width, ellipsis=True)


def heading(view: RunView) -> Content:
    """The first line of the screen: which repository, and what came of it."""
    started, done = view.started, view.done
    if started is None:
        return Content.assemble(("locum", "bold $text-primary"), "  a run begins")
    name = cell(started.path.rstrip("/").rpartition("/")[2], "bold")
    title = Content.assemble(("locum", "bold $text-primary"), "  ", name, "  ")
    if done is not None:
        return title + cell(
            done.headline, "$text-success" if not done.exit_status else "$text-warning"
        )
    return title + cell(started.run_id, "$muted")
