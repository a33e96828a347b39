"""Where the time went: by phase, and by what the model was asked for."""

from __future__ import annotations

from textual.content import Content

from tui.view import PHASES, RunView
from tui.widgets.pane import Pane
from tui.words import cell, count, meter, rows

BAR = 16
"""Cells of the bar that shows a phase's share."""


class Timing(Pane):
    PARTS = frozenset({"phases", "status"})

    def lines(self, view: RunView, width: int) -> list[Content]:
        lines = rows(self._phases(view), width, 0, frozenset({1, 2, 3}))
        if view.spent:
            numbers = frozenset({1, 2, 3, 4, 5})
            lines += [Content(""), *rows(self._model(view), width, 0, numbers)]
        return lines

    def _phases(self, view: RunView) -> list[list[Content]]:
        whole = sum(view.seconds_in(name) for name in PHASES) or 1.0
        table = [[_muted(name) for name in ("phase", "visits", "seconds", "tokens", "share")]]
        for name in PHASES:
            phase, seconds = view.phases[name], view.seconds_in(name)
            table.append(
                [
                    cell(name, "bold" if view.state_of(name) == "active" else ""),
                    cell(str(phase.visits)),
                    cell(f"{seconds:.1f}"),
                    cell(count(phase.tokens)),
                    meter(seconds / whole, BAR),
                ]
            )
        return table

    def _model(self, view: RunView) -> list[list[Content]]:
        names = ("model asked to", "times", "read", "cached", "written", "seconds")
        table = [[_muted(name) for name in names]]
        for purpose, spent in view.spent.items():
            numbers = (spent.requests, spent.prompt, spent.cached, spent.written)
            table.append(
                [cell(purpose), *(cell(count(n)) for n in numbers), cell(f"{spent.seconds:.1f}")]
            )
        return table


def _muted(name: str) -> Content:
    return Content.styled(name, "$muted")
