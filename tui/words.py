"""Numbers and rows as they are shown: short, aligned, safe to print."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tools.text import one_line

GAP = 2
"""Blank cells between two columns."""
LEAST = 6
"""Cells below which the stretching column is not squeezed."""


def clock(seconds: float) -> str:
    """`7 s` below a minute, else `1:07`, else `1:02:07`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count(number: float) -> str:
    """`812`, `2.1k`, `34k`."""
    if number < 1_000:
        return f"{number:.0f}"
    return f"{number / 1_000:.1f}k" if number < 10_000 else f"{number / 1_000:.0f}k"


def meter(share: float, width: int) -> Content:
    """A bar of `width` cells, filled to `share` (0 to 1)."""
    filled = round(max(0.0, min(1.0, share)) * width)
    return Content.assemble(("━" * filled, "$success"), ("─" * (width - filled), "$faint"))


def cell(text: str, style: str = "", limit: int = 400) -> Content:
    """Foreign text as one safe line in one style."""
    return Content.styled(one_line(text, limit), style)


def rows(
    cells: Sequence[Sequence[Content]],
    width: int,
    stretch: int,
    right: frozenset[int] = frozenset(),
) -> list[Content]:
    """Cells as lines of aligned columns, `width` wide in all.

    The column `stretch` takes what the others leave and is cut to it; those in `right` are
    aligned to the right.
    """
    if not cells:
        return []
    widths = [max(row[column].cell_length for row in cells) for column in range(len(cells[0]))]
    others = sum(widths) - widths[stretch] + GAP * (len(widths) - 1)
    widths[stretch] = max(LEAST, width - others)
    return [Content(" " * GAP).join(_fitted(row, widths, right)) for row in cells]


def _fitted(row: Sequence[Content], widths: Sequence[int], right: frozenset[int]) -> list[Content]:
    fitted = []
    for column, (one, wide) in enumerate(zip(row, widths, strict=True)):
        if column in right:
            one = one.pad_left(max(0, wide - one.cell_length))
        fitted.append(one.truncate(wide, ellipsis=True, pad=True))
    return fitted
