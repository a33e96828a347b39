"""Pictures of the screen as the app itself makes them: SVG to show, and the text to compare."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from textual.app import App

CELL = 12.2
"""Width of a terminal's cell in the pictures, in their own unit."""
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_TEXT = re.compile(r'<text[^>]* x="([\d.]+)"[^>]*-line-(\d+)\)">([^<]*)</text>')
_SPINNER = re.compile("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]")


def picture(app: App[Any]) -> str:
    """The screen as SVG that fetches no font and has short names."""
    app.clear_notifications()
    svg = app.export_screenshot(title="locum")
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"terminal-\d+-", "t-", svg).replace("Fira Code, monospace", FONTS)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def text(svg: str) -> list[str]:
    """The rows of the screen in a picture; what turns by the clock stands still in it."""
    rows: dict[int, str] = {}
    for x, line, shown in _TEXT.findall(svg):
        row, column = rows.get(int(line), ""), round(float(x) / CELL)
        rows[int(line)] = row.ljust(column) + html.unescape(shown).replace("\xa0", " ")
    whole = [rows.get(line, "").rstrip() for line in range(max(rows, default=-1) + 1)]
    return [_SPINNER.sub("⠋", row) for row in whole]


def compared(app: App[Any], file: Path, *, write: bool) -> tuple[list[str], list[str]]:
    """Rows of the screen now, and of the picture in `file`, which is made anew if asked for."""
    shown = picture(app)
    if write:
        file.write_text(shown, "utf-8")
    return text(shown), text(file.read_text("utf-8"))
