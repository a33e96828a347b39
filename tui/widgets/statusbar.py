"""One quiet line on the machine's side of the run."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.view import RunView
from tui.words import cell, clock, count

RISKS = {"none": "$muted", "raised": "$text-warning", "high": "bold $text-error"}


class StatusBar(Static):
    """Segments in the order of their weight; those that find no room are left out."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._view: RunView | None = None

    def show(self, view: RunView) -> None:
        self._view = view
        self.draw()

    def draw(self) -> None:
        if self._view is not None:
            self.update(fitted(segments(self._view), self.content_size.width))

    def on_resize(self) -> None:
        self.draw()


def segments(view: RunView) -> list[tuple[int, Content]]:
    """What can be said now: weight (0 is shown first of all) and text, in the order shown."""
    shown: list[tuple[int, Content]] = []
    request = view.request
    model = (request.model if request else "") or (view.started.model if view.started else "")
    if model:
        shown.append((4, cell(model.rpartition("/")[2], "$muted", 28)))
    if view.rate:
        shown.append((3, cell(f"{view.rate:.0f} tok/s")))
    if request is not None:
        used = request.prompt_tokens + request.completion_tokens
        most = f"/{count(request.context)}" if request.context else ""
        tight = bool(request.context) and used > 0.9 * request.context
        shown.append((5, cell(f"context {count(used)}{most}", "$text-warning" if tight else "")))
    if view.cache_hit is not None:
        shown.append((6, cell(f"cache {100 * view.cache_hit:.0f} %")))
    if rate := view.candidates_a_second:
        shown.append((2, cell(f"{rate:.1f} candidates/s")))
    if view.started is not None:
        low = view.seconds_left < 30 and view.done is None
        left = cell(f"{clock(view.seconds_left)} left", "$text-warning" if low else "")
        shown.append((0, left))
        shown.append((7, cell(view.started.sandbox, "$muted", 40)))
        shown.append((1, cell(f"risk {view.risk}", RISKS[view.risk])))
    return shown


def fitted(parts: list[tuple[int, Content]], width: int) -> Content:
    """The parts in their order, the lightest dropped until all fit in `width` cells."""
    kept = list(parts)
    between = Content.styled(" │ ", "$faint")
    while len(kept) > 1 and between.join([part for _, part in kept]).cell_length > width:
        kept.remove(max(kept, key=lambda one: one[0]))
    return between.join([part for _, part in kept])
