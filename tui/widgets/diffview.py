"""A diff, syntax coloured: one column, or old beside new where there is room."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize, Show
from textual.highlight import highlight
from textual.widgets import Static

from tools.text import strip_control
from tui.patch import FilePatch, Hunk, Line, parse
from tui.widgets.scrolling import Scrolling
from tui.words import cell

WIDE = 110
"""Cells from which on old and new stand side by side."""
GUTTER = 5
"""Cells of a line number and the sign."""
LINES = {"-": "on $error-muted", "+": "on $success-muted", " ": ""}
WORDS = {"-": "on $error 50%", "+": "on $success 50%"}
SIGNS = {"-": "bold $text-error", "+": "bold $text-success", " ": "$faint"}
MOST = 4_000
"""Lines that are shown; the patch file has them all."""


class DiffView(Scrolling):
    """Shows what `load` was given; text of repositories is made safe first."""

    def __init__(self, *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self._files: list[FilePatch] = []
        self._body = Static(markup=False)
        self._drawn = 0
        self.empty = "No change yet."

    def compose(self) -> ComposeResult:
        yield self._body

    def load(self, diff: str) -> None:
        self._files = parse(strip_control(diff)[: 200 * MOST])
        self._drawn = 0
        self.draw()

    def draw(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or width == self._drawn:
            return
        self._drawn = width
        lines: list[Content] = []
        for file in self._files:
            lines += [*([Content("")] if lines else []), _title(file, width)]
            for hunk in file.hunks:
                lines.append(cell(f"⋯ {hunk.heading}" if hunk.heading else "⋯", "$faint"))
                lines += beside(file, hunk, width) if width >= WIDE else unified(file, hunk, width)
            if len(lines) > MOST:
                lines.append(cell("The diff is cut here; the patch file has all.", "$muted"))
                break
        self._body.update(Content("\n").join(lines) if lines else cell(self.empty, "$muted"))

    def on_resize(self, _: Resize) -> None:
        self.draw()

    def on_show(self, _: Show) -> None:
        self.draw()


def unified(file: FilePatch, hunk: Hunk, width: int) -> list[Content]:
    """The hunk in one column, removed lines above those added."""
    old, new = coloured(file, hunk)
    lines: list[Content] = []
    for line in hunk.lines:
        lines += _row(line, (old if line.kind == "-" else new)[id(line)], width)
    return lines


def beside(file: FilePatch, hunk: Hunk, width: int) -> list[Content]:
    """The hunk in two columns."""
    half = (width - 1) // 2
    old, new = coloured(file, hunk)
    lines: list[Content] = []
    for left, right in hunk.pairs():
        columns = [
            _row(left, old[id(left)], half, old_side=True) if left else [],
            _row(right, new[id(right)], half) if right else [],
        ]
        for place in range(max(map(len, columns))):
            cells = [
                column[place] if place < len(column) else Content.blank(half) for column in columns
            ]
            lines.append(Content.assemble(cells[0], ("│", "$faint"), cells[1]))
    return lines


def coloured(file: FilePatch, hunk: Hunk) -> tuple[dict[int, Content], dict[int, Content]]:
    """The code of the old and of the new side by `id` of its line, changed words marked."""
    old = _side(file.path, [line for line in hunk.lines if line.kind != "+"])
    new = _side(file.path, [line for line in hunk.lines if line.kind != "-"])
    for left, right in hunk.pairs():
        if left is None or right is None or left is right:
            continue
        for first, last, start, end in _changed(left.text, right.text):
            old[id(left)] = old[id(left)].stylize(WORDS["-"], first, last)
            new[id(right)] = new[id(right)].stylize(WORDS["+"], start, end)
    return old, new


def _side(path: str, lines: list[Line]) -> dict[int, Content]:
    code = "\n".join(line.text.expandtabs(4) for line in lines)
    shown = highlight(code, path=path).split("\n", allow_blank=True)
    padded = [*shown, *[Content("")] * (len(lines) - len(shown))]
    return {id(line): content for line, content in zip(lines, padded, strict=False)}


def _changed(old: str, new: str) -> Iterator[tuple[int, int, int, int]]:
    """Where two lines differ; nothing where they have little in common."""
    matcher = SequenceMatcher(None, old.expandtabs(4), new.expandtabs(4), autojunk=False)
    if matcher.ratio() < 0.5:
        return
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag != "equal":
            yield first, last, start, end


def _row(line: Line, code: Content, width: int, *, old_side: bool = False) -> list[Content]:
    """A line with number and sign, folded to `width`, its colour across the whole width."""
    number = line.old if old_side else line.number
    room = max(8, width - GUTTER - 2)
    lines = []
    for place, piece in enumerate(code.fold(room) or [Content("")]):
        head = f"{number:>4}" if place == 0 else "    "
        sign = line.kind if place == 0 else " "
        row = Content.assemble((f"{head} ", "$faint"), (f"{sign} ", SIGNS[line.kind]), piece)
        row = row.truncate(width, pad=True)
        lines.append(row.stylize_before(LINES[line.kind]) if LINES[line.kind] else row)
    return lines


def _title(file: FilePatch, width: int) -> Content:
    note = f"  {file.note}" if file.note else ""
    title = Content.assemble(
        cell(file.path, "bold"),
        (note, "$muted"),
        (f"  +{file.added}", "$text-success"),
        (f" −{file.removed}", "$text-error"),
    )
    return title.truncate(width, ellipsis=True)
