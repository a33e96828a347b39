"""What the tools were asked to do: what went well folded up, refusals and failures open."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.markup import escape
from textual.widget import Widget
from textual.widgets import Collapsible, Static

from agent import events as ev
from tools.text import one_line
from tui.view import RunView
from tui.view_parts import Group
from tui.widgets.scrolling import Scrolling
from tui.words import cell

VERDICTS = {"allow": "$muted", "deny": "$text-error", "needs_approval": "$text-warning"}


class Calls(Collapsible):
    """A group of the log; its lines are made when it is open."""

    def __init__(self, group: Group) -> None:
        self._told = Static(markup=False)
        self._group = group
        self._count = group.tools.total()
        flag = "" if group.well else "-bad"
        super().__init__(self._told, title=heading(group), collapsed=group.well, classes=flag)

    def on_mount(self) -> None:
        self._fill()

    def refresh_group(self) -> None:
        """More calls may have come to the group."""
        if self._group.tools.total() != self._count:
            self._count = self._group.tools.total()
            self.title = heading(self._group)
            self._fill()

    def on_collapsible_expanded(self) -> None:
        self._fill()

    def _fill(self) -> None:
        if self.collapsed:
            return
        lines = [_line(call) for call in self._group.calls]
        if (left := self._count - len(lines)) > 0:
            lines.insert(0, cell(f"{left} earlier ones", "$muted"))
        self._told.update(Content("\n").join(lines))


class ToolLog(Scrolling):
    """Follows its end until it is scrolled up."""

    PARTS = frozenset({"tools"})

    def __init__(self, title: str, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = title
        self._shown: dict[int, Widget] = {}

    def compose(self) -> ComposeResult:
        yield Vertical(id="groups")

    def on_mount(self) -> None:
        self.anchor()

    async def show(self, view: RunView) -> None:
        """Bring the groups up to date: the last one may grow, new ones come behind it."""
        self.border_subtitle = f"{view.call_count} calls" if view.call_count else ""
        groups = list(view.log)
        fresh = []
        for group in groups:
            known = self._shown.get(group.number)
            if known is None:
                fresh.append(_widget(group))
                self._shown[group.number] = fresh[-1]
            elif isinstance(known, Calls):
                known.refresh_group()
        if fresh:
            await self.query_one("#groups").mount_all(fresh)
        wanted = {group.number for group in groups}
        for number in [number for number in self._shown if number not in wanted]:
            await self._shown.pop(number).remove()


def _widget(group: Group) -> Widget:
    if not group.note:
        return Calls(group)
    style = "$muted" if group.well else "$text-warning"
    phase = (f"{group.phase or 'start':<8} ", "$muted")
    note = Content.assemble(phase, cell(group.note, style))
    return Static(note, classes="note", markup=False)


def heading(group: Group) -> str:
    """One line of markup on a group."""
    phase = f"[$muted]{group.phase or 'start':<8}[/]"
    if group.tools.total() == 1:
        return f"{phase} {escape(_what(group.calls[0]))}{_ruling(group.calls[0])}"
    told = ", ".join(f"{name} ×{number}" for name, number in group.tools.most_common(4))
    return f"{phase} {escape(one_line(told))} [$muted]{group.seconds:.1f} s[/]"


def _what(call: ev.ToolCalled) -> str:
    who = "model: " if call.caller == "model" else ""
    return f"{who}{one_line(call.tool)} {one_line(call.arguments, 120)}"


def _ruling(call: ev.ToolCalled) -> str:
    if call.verdict != "allow":
        style = VERDICTS.get(call.verdict, "$text-warning")
        return f" [bold {style}]{escape(one_line(call.verdict))}[/]"
    return "" if call.ok else " [bold $text-error]failed[/]"


def _line(call: ev.ToolCalled) -> Content:
    return Content.assemble(
        cell(call.tool, "bold"),
        " ",
        cell(call.arguments, limit=160),
        "  ",
        cell(call.verdict, VERDICTS.get(call.verdict, "$text-warning")),
        " ",
        cell(f"by {call.rule}" if call.rule else "", "$muted"),
        (f"  {call.seconds:.2f} s  ", "$muted"),
        cell(call.summary, "" if call.ok else "$text-error", 300),
    )
