"""One run, watched: live, or again from its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static, Tab, Tabs

from tui import messages
from tui.driver import Driver, Question, Replay, Source
from tui.view import RunView
from tui.widgets.board import Board
from tui.widgets.diffview import DiffView
from tui.widgets.pane import Pane
from tui.widgets.sidebar import Sidebar, breadcrumb, heading
from tui.widgets.speech import SpeechPane
from tui.widgets.statusbar import StatusBar
from tui.widgets.testpanel import TestPanel
from tui.widgets.timing import Timing
from tui.widgets.toollog import ToolLog
from tui.words import cell, clock

if TYPE_CHECKING:
    from agent.runner import Run

TICK = 1 / 12
"""Seconds between two looks at the events: what came meanwhile is drawn at once."""
SLOW_TICKS = 3
"""Ticks between two drawings of what is costly to draw."""
NAMES = {
    "speech": "Model",
    "board": "Candidates",
    "tests": "Tests",
    "tools": "Tools",
    "diff": "Diff",
    "timing": "Time",
}
ALWAYS = ("speech", "tests", "board")
"""Panes that a wide screen always shows."""
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MORE_SECONDS = 120.0
"""What one press of the key adds to the budget."""


class RunScreen(Screen[None]):
    """Draws the view a dozen times a second at most, however many events come."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(n), f"pane({n})", name, show=False)
            for n, name in enumerate(NAMES.values(), 1)
        ),
        Binding("f", "enlarge", "Enlarge"),
        Binding("p", "pause", "Pause"),
        Binding("x", "cancel", "Stop at once"),
        Binding("b", "extend", "More time"),
        Binding("a", "ask_again", "Approval"),
        Binding("s", "summary", "Summary"),
        Binding("r", "resume", "Resume"),
        Binding("escape", "leave", "Back"),
    ]
    AUTO_FOCUS = "#speech"
    HELP = """\
# A run

`1` model text · `2` candidates · `3` tests · `4` tools · `5` diff · `6` time

* `p` holds the run, and lets it go on; held time is not counted
* `x` stops it at once; `r` goes on with it later
* `b` gives it two more minutes
* `a` opens the approval again that you put aside with `escape`
"""

    class Asked(Message):
        """The run waits for a decision."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    def __init__(self, make: Callable[[], Run] | None = None, replay: Replay | None = None) -> None:
        """A live run that `make` gives, or one that was."""
        super().__init__()
        self.view = RunView()
        self.driver = Driver(make, self._ask) if make is not None else None
        self._source: Source = self.driver or replay or Replay(())
        self._question: Question | None = None
        self._ticks = 0
        self._told_end = False
        self._right = "tools"
        self._stale: set[str] = set()

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield Static(id="crumbs", markup=False)
        with Horizontal(id="body"):
            yield Sidebar("Run", "side")
            with Vertical(id="main"):
                yield Tabs(
                    *(
                        Tab(f"{n} {name}", id=f"tab-{key}")
                        for n, (key, name) in enumerate(NAMES.items(), 1)
                    ),
                    id="tabs",
                )
                with Container(id="panes"):
                    yield SpeechPane(NAMES["speech"], "speech")
                    yield TestPanel(NAMES["tests"], "tests")
                    yield Board(NAMES["board"], "board")
                    yield ToolLog(NAMES["tools"], "tools")
                    yield DiffView(id="diff", classes="pane")
                    yield Timing(NAMES["timing"], "timing")
        yield Static(id="doing", markup=False)
        yield StatusBar(id="status")
        yield Footer()

    def on_mount(self) -> None:
        diff = self.query_one(DiffView)
        diff.border_title, diff.can_focus = NAMES["diff"], True
        self._choose("speech")
        if self.driver is not None:
            self.driver.start()
        self.set_interval(TICK, self._tick)

    def on_unmount(self) -> None:
        if self.driver is not None and self.driver.running:
            self.driver.cancel()

    # -- from the events to the screen ----------------------------------------------------------

    async def _tick(self) -> None:
        """Take all events that came, then draw each part that one of them concerned once."""
        self._ticks += 1
        events = self._source.events
        while events:
            at, event = events.popleft()
            self.view.apply(event, at)
        if self.driver is not None and self.driver.running and not self.driver.paused:
            self.view.tick(time.time())
            self.view.changed.add("status")
        self._stale |= self.view.changed
        self.view.changed.clear()
        if self._ticks % SLOW_TICKS == 1:
            await self._draw()
        self._draw_lines()
        if not events and self._source.ended is not None and not self._told_end:
            self._told_end = True
            await self._draw()
            self._end()

    async def _draw(self) -> None:
        stale, self._stale = self._stale, set()
        view = self.view
        for pane in self.query(Pane):
            if pane.PARTS & stale:
                pane.show(view)
        if "tools" in stale:
            await self.query_one(ToolLog).show(view)
        if "speech" in stale:
            await self.query_one(SpeechPane).show(view)
        if "diff" in stale and view.diff is not None:
            self.query_one(DiffView).load(view.diff.diff)
        while view.warnings:
            self.notify(cell(view.warnings.pop()).markup, severity="warning")

    def _draw_lines(self) -> None:
        width = self.size.width
        self.query_one("#title", Static).update(heading(self.view))
        self.query_one("#crumbs", Static).update(breadcrumb(self.view, width - 2))
        self.query_one("#doing", Static).update(self._doing())
        self.query_one(StatusBar).show(self.view)

    def _doing(self) -> Content:
        ended = self._source.ended
        if ended is not None:
            if self.view.done is not None:
                return cell("✓ The run has ended; s shows its summary.", "$text-success")
            said = ended.error or "The log of this run ends here."
            return cell(f"■ {said}" + (" r resumes it." if ended.stopped else ""), "$text-warning")
        if self._question is not None:
            return cell("? The run waits for your decision; a opens it.", "bold $text-accent")
        if self.driver is not None and self.driver.paused:
            return cell("‖ Paused; p goes on.", "bold $text-warning")
        since = clock(self.view.now - self.view.doing_since) if self.view.doing_since else ""
        spin = SPINNER[self._ticks // 2 % len(SPINNER)]
        return Content.assemble(
            (f"{spin} ", "$text-accent"), cell(self.view.doing), (f"  {since}", "$muted")
        )

    def _end(self) -> None:
        self.refresh_bindings()
        if self.driver is None:
            return
        if self.view.done is not None:
            self.action_summary()
        elif self.driver.ended is not None and not self.driver.ended.stopped:
            self.notify(cell(self.driver.ended.error).markup, severity="error", timeout=20)

    # -- panes ----------------------------------------------------------------------------------

    @on(Tabs.TabActivated)
    def _tab_chosen(self, event: Tabs.TabActivated) -> None:
        if event.tab is not None and event.tab.id is not None:
            self._choose(event.tab.id.removeprefix("tab-"))

    def action_pane(self, number: int) -> None:
        name = list(NAMES)[number - 1]
        self.query_one(Tabs).active = f"tab-{name}"
        self._choose(name)
        # A pane that was hidden takes the focus once it has been laid out.
        self.call_after_refresh(self.query_one(f"#{name}").focus)

    def action_enlarge(self) -> None:
        """The focused pane over the whole screen, or back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None and self.focused.has_class("pane"):
            self.maximize(self.focused, container=False)

    def _choose(self, name: str) -> None:
        """A narrow screen shows this pane alone; a wide one in its right column."""
        if name not in ALWAYS:
            self._right = name
        for key in NAMES:
            pane = self.query_one(f"#{key}", Widget)
            pane.set_class(key == name, "-active")
            pane.set_class(key == self._right, "-right")
        self._stale |= set().union(*(p.PARTS for p in self.query(Pane)))

    # -- decisions ------------------------------------------------------------------------------

    def _ask(self, question: Question) -> None:
        """In the run's thread."""
        self.post_message(self.Asked(question))

    @on(Asked)
    def _asked(self, event: Asked) -> None:
        self._question = event.question
        self.refresh_bindings()
        self.action_ask_again()

    @work
    async def action_ask_again(self) -> None:
        from tui.screens.approval import ApprovalScreen

        question = self._question
        if question is None or self.driver is None or isinstance(self.app.screen, ApprovalScreen):
            return
        await self._draw()
        decision = await self.app.push_screen_wait(ApprovalScreen(question.request, self.view))
        if decision is None or self._question is not question:
            return
        self._question = None
        self.driver.approve_all = decision.for_all
        question.answer(decision.answer)
        self.refresh_bindings()

    def action_pause(self) -> None:
        if self.driver is not None:
            self.driver.pause_or_proceed()

    def action_cancel(self) -> None:
        if self.driver is not None:
            self._question = None
            self.driver.cancel()

    def action_extend(self) -> None:
        if self.driver is not None and self.driver.run is not None:
            self.driver.run.extend(MORE_SECONDS)
            self.notify(f"{MORE_SECONDS:.0f} seconds more.")

    # -- afterwards -----------------------------------------------------------------------------

    def action_summary(self) -> None:
        from tui.screens.summary import SummaryScreen

        if self.view.done is not None and self.view.started is not None:
            self.app.push_screen(SummaryScreen(self.view.done.run_id))

    def action_resume(self) -> None:
        run = self.driver.run if self.driver is not None else None
        if run is not None:
            self.post_message(messages.ResumeRun(run.id))

    @work
    async def action_leave(self) -> None:
        from tui.screens.confirm import ConfirmScreen

        if self.driver is not None and self.driver.running:
            question = "The run goes on. Stop it and go back? It can be resumed later."
            if not await self.app.push_screen_wait(ConfirmScreen(question, "Stop it")):
                return
            self.action_cancel()
        self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys are shown where they do something."""
        running = self.driver is not None and self.driver.running
        match action:
            case "pause" | "cancel" | "extend":
                return running
            case "ask_again":
                return self._question is not None
            case "summary":
                return self.view.done is not None
            case "resume":
                return self.driver is not None and not running and self.view.done is None
        return True
