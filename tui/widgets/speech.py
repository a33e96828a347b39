"""What the model says, as it says it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownStream

from tools.text import strip_control
from tui.view import RunView
from tui.widgets.scrolling import Scrolling


class SpeechPane(Scrolling):
    """Streaming Markdown. Follows its end, lets go when it is scrolled up, and takes hold again
    at the end. Model text is untrusted: links are not opened.
    """

    PARTS = frozenset({"speech"})

    def __init__(self, title: str, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = title
        self._markdown = Markdown(open_links=False)
        self._stream: MarkdownStream | None = None
        self._heard = False

    def compose(self) -> ComposeResult:
        yield self._markdown

    async def on_mount(self) -> None:
        self._stream = Markdown.get_stream(self._markdown)
        self.anchor()

    async def on_unmount(self) -> None:
        if self._stream is not None:
            await self._stream.stop()

    async def show(self, view: RunView) -> None:
        """Append what waits in the view."""
        if self._stream is not None and (text := view.speech.take()):
            await self._stream.write(strip_control(text))
            self._heard = True
        self.border_subtitle = f"{view.rate:.0f} tok/s" if view.speech.open else ""
