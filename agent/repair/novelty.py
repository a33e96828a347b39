"""Which edits of a piece of code are worth a test run: those that parse and were not seen yet."""

from __future__ import annotations

from agent.repair.edit import Edit
from agent.repair.prompt import Shown
from agent.repair.seams import Language


class Novelty:
    """Remembers what some shown code was turned into; layout and comments do not count."""

    def __init__(self, shown: Shown, language: Language) -> None:
        self._shown = shown
        self._language = language
        self._seen = {language.fingerprint(shown.source[shown.start : shown.end])}

    def admits(self, edit: Edit) -> bool:
        """Whether the edited file parses, and differs from the code and from all admitted before.

        The edit may reach beyond what was shown, by a line that follows it say.
        """
        source = self._shown.source
        start, end = min(self._shown.start, edit.start), max(self._shown.end, edit.end)
        text = source[start : edit.start] + edit.text + source[edit.end : end]
        shape = self._language.fingerprint(text)
        if shape in self._seen or not self._language.parses(edit.apply(source)):
            return False
        self._seen.add(shape)
        return True
