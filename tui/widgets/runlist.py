"""A list of runs: when, which repository, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.words import cell, rows

if TYPE_CHECKING:
    from agent.history import Past

MARKS = {0: ("✓", "$text-success"), None: ("…", "$text-accent")}


class RunList(OptionList):
    """`chosen` is the run under the cursor."""

    def __init__(self, *, id: str, most: int = 1_000) -> None:
        super().__init__(id=id)
        self._runs: tuple[Past, ...] = ()
        self._shown: list[Past] = []
        self._words = ""
        self._most = most

    @property
    def chosen(self) -> Past | None:
        if self.highlighted is None or self.highlighted >= len(self._shown):
            return None
        return self._shown[self.highlighted]

    def show(self, runs: tuple[Past, ...]) -> None:
        self._runs = runs
        self._draw()

    def search(self, words: str) -> None:
        """Only runs in which every word occurs."""
        self._words = words
        self._draw()

    def on_resize(self, _: Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        kept = self.chosen.run_id if self.chosen is not None else ""
        self._shown = [run for run in self._runs if run.holds(self._words)][: self._most]
        width = max(20, self.scrollable_content_region.width - 2)
        lines = rows([_row(run, width) for run in self._shown], width, 3)
        self.clear_options()
        self.add_options([Option(line) for line in lines])
        names = [run.run_id for run in self._shown]
        if names:
            self.highlighted = names.index(kept) if kept in names else 0


def _row(run: Past, width: int) -> list[Content]:
    mark, style = MARKS.get(run.exit_status, ("✗", "$text-warning"))
    began = run.began
    when = f"{began:%d %b %H:%M}" if began else ""
    name = run.path.rstrip("/").rpartition("/")[2]
    return [
        Content.styled(mark, style),
        cell(when if width > 50 else when[7:], "$muted"),
        cell(name, "bold", 24),
        cell(run.headline, "$muted" if run.exit_status is None else ""),
    ]
