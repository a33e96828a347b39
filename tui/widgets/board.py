"""The candidates: what was tried, where, how far it came, and what would be applied first."""

from __future__ import annotations

from textual.content import Content

from tui.view import RunView
from tui.view_parts import Attempt
from tui.widgets.pane import Pane
from tui.words import cell, rows

SHOWN = 100
"""Rows; the others failed more tests than these."""
WIDE = 64
"""Cells from which on the edit's own name is shown, too."""


class Board(Pane):
    PARTS = frozenset({"board"})

    def lines(self, view: RunView, width: int) -> list[Content]:
        board = view.board()
        if not board:
            return [cell("No candidate yet: they are proposed once the plan stands.", "$muted")]
        wide = width >= WIDE
        head = [_head(wide)]
        lines = rows([*head, *(_row(one, wide) for one in board[:SHOWN])], width, 2, frozenset({0}))
        told = [
            line.stylize("$text-success on $success-muted") if one.event.survived else line
            for line, one in zip(lines[1:], board, strict=False)
        ]
        left = len(board) - SHOWN
        more = [cell(f"and {left} more that passed fewer tests", "$muted")] if left > 0 else []
        best = _best(board)
        return [lines[0], *told, *more, *best]

    def subtitle(self, view: RunView) -> str:
        survivors = sum(one.event.survived for one in view.attempts.values())
        return f"{len(view.attempts)} tried, {survivors} pass" if view.attempts else ""


def _head(wide: bool) -> list[Content]:
    names = ["#", "tests", "place", "strategy", *(["edit"] if wide else [])]
    return [Content.styled(name, "$muted") for name in names]


def _row(one: Attempt, wide: bool) -> list[Content]:
    event = one.event
    if event.rejected:
        tests = cell("–", "$faint")
    else:
        style = "bold" if event.survived else "$text-warning" if event.passed else "$faint"
        tests = cell(f"{event.passed}/{event.total}", style)
    mark = f"★{one.rank}" if one.rank else "✓" if event.survived else str(event.number)
    plain = "" if event.survived else "$faint"
    row = [
        cell(mark, "bold" if event.survived else plain),
        tests,
        _place(event.path, event.line),
        cell(event.strategy, "" if event.survived else "$muted"),
    ]
    return [*row, cell(event.operator, plain, 24)] if wide else row


def _place(path: str, line: int) -> Content:
    folder, slash, name = path.rpartition("/")
    return Content.assemble(cell(folder + slash, "$muted"), cell(name), cell(f":{line}", "$muted"))


def _best(board: list[Attempt]) -> list[Content]:
    first = board[0]
    if first.rank != 1 or not first.reason:
        return []
    return [Content(""), cell(f"★1: {first.reason}", "$muted")]
