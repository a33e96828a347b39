"""What of a model's edits of a piece of code is worth a test run: new code, and only that."""

from __future__ import annotations

from dataclasses import replace

from agent.repair.edit import Edit
from agent.repair.prompt import Shown
from agent.repair.seams import Language


class Novelty:
    """Remembers what some shown code was turned into; layout and comments do not count."""

    def __init__(self, shown: Shown, language: Language) -> None:
        self._shown = shown
        self._language = language
        self._seen = {language.fingerprint(shown.source[shown.start : shown.end])}

    def new(self, edit: Edit) -> Edit | None:
        """The edit without comments of its own; None where the edited file does not parse, or is
        as the code or what another edit made of it.

        The edit may reach beyond what was shown, by a line that follows it say.
        """
        source = self._shown.source
        told = self._language.uncommented(source, edit.start, edit.end, edit.text)
        edit = replace(edit, text=told)
        start, end = min(self._shown.start, edit.start), max(self._shown.end, edit.end)
        text = source[start : edit.start] + edit.text + source[edit.end : end]
        shape = self._language.fingerprint(text)
        if shape in self._seen or not self._language.parses(edit.apply(source)):
            return None
        self._seen.add(shape)
        return edit
