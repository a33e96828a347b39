"""A bordered part of the run screen that shows what the run's view says."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize, Show
from textual.widgets import Static

from tui.view import RunView
from tui.widgets.scrolling import Scrolling


class Pane(Scrolling):
    """Redrawn by `show` and when its width changes; not drawn at all while it is hidden."""

    PARTS: frozenset[str] = frozenset()
    """Parts of the view whose change concerns it."""

    def __init__(self, title: str, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = title
        self._body = Static(markup=False)
        self._view: RunView | None = None

    def compose(self) -> ComposeResult:
        yield self._body

    def show(self, view: RunView) -> None:
        """Take the view and draw what it says now."""
        self._view = view
        self.draw()

    def draw(self) -> None:
        width = self.scrollable_content_region.width
        if self._view is None or width <= 0 or not self.display:
            return
        self._body.update(Content("\n").join(self.lines(self._view, width)))
        self.border_subtitle = self.subtitle(self._view)

    def lines(self, view: RunView, width: int) -> list[Content]:
        """What stands in it, line by line, at most `width` cells wide."""
        raise NotImplementedError

    def subtitle(self, _view: RunView) -> str:
        """What stands in the lower border."""
        return ""

    def on_resize(self, _: Resize) -> None:
        self.draw()

    def on_show(self, _: Show) -> None:
        self.draw()
