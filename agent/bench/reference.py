"""What is known of a task's right mend: it measures a run, and no run ever sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.repair.edit import read_source
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Span, Splice, Suspect

MODULE = "<module>"
"""Stands for the statements of a file that are in no function."""


@dataclass(frozen=True)
class Reference:
    path: str
    """The file that was mended, relative to the repository."""
    functions: tuple[str, ...]
    """Qualified names of what was changed in it: `Account.withdraw`, `<module>`."""

    def rank(self, suspects: Sequence[Suspect]) -> int | None:
        """The place of the first suspect, from 1, that is or holds a changed function."""
        for place, suspect in enumerate(suspects, 1):
            if suspect.path == self.path and self._names(suspect.name):
                return place
        return None

    def places(self, root: Path) -> Places:
        """Where the changed functions lie in the tree before its mend; raises OSError."""
        spans = PythonLanguage().spans(read_source(root, self.path))
        own = [span for span in spans if span.name in self.functions]
        return Places(self.path, own, spans if MODULE in self.functions else None)

    def _names(self, suspect: str) -> bool:
        """Whether it is a changed function, or one that a changed function is nested in."""
        return any(name == suspect or name.startswith(suspect + ".") for name in self.functions)


class Places:
    """The stretches of one file whose edits count as edits of the reference functions."""

    def __init__(self, path: str, own: Sequence[Span], others: Sequence[Span] | None) -> None:
        """`others` are all functions of the file when what lies outside of them counts too."""
        self._path = path
        self._own = tuple(own)
        self._others = (
            None if others is None else tuple(span for span in others if not span.is_class)
        )

    def touched(self, splices: Iterable[Splice]) -> bool:
        return any(splice.path == self._path and self._holds(splice) for splice in splices)

    def _holds(self, splice: Splice) -> bool:
        if any(_meet(splice, span) for span in self._own):
            return True
        return self._others is not None and not any(_meet(splice, span) for span in self._others)


def _meet(splice: Splice, span: Span) -> bool:
    return (splice.start < span.end and splice.end > span.start) or splice.start == span.start
