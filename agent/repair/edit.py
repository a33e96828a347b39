"""An edit of one source text, and how splices are laid over files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.repair.seams import Splice


@dataclass(frozen=True)
class Edit:
    """Characters `start` to `end` become `text`; everything else stays as it is."""

    start: int
    end: int
    text: str
    operator: str = ""
    weight: float = 1.0
    """How likely this edit is among those that may be made, before any test ran; above 0."""
    line: int = 0
    """1-based line that it is meant for; 0 when not known."""

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]

    def undo(self, source: str) -> Edit:
        """The edit that takes the edited text back to `source`."""
        return Edit(self.start, self.start + len(self.text), source[self.start : self.end])

    def splice(self, path: str) -> Splice:
        return Splice(path=path, start=self.start, end=self.end, text=self.text)


class SourceReader(Protocol):
    """Reads one file of the workspace: decoded, its line ends kept as they are."""

    def __call__(self, root: Path, path: str) -> str: ...


def read_source(root: Path, path: str) -> str:
    """The text of a file as the workspace reads it: bytes that are not UTF-8 become surrogates.

    Raises OSError when the file cannot be read.
    """
    return (root / path).read_bytes().decode("utf-8", "surrogateescape")


def apply_splices(source: str, splices: Iterable[Splice]) -> str:
    """`source` with all splices of one file laid over it.

    Raises ValueError when two of them overlap or one lies outside the text.
    """
    pieces: list[str] = []
    position = 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        if not position <= splice.start <= splice.end <= len(source):
            raise ValueError(f"overlapping or misplaced splice at {splice.start}")
        pieces += [source[position : splice.start], splice.text]
        position = splice.end
    return "".join([*pieces, source[position:]])


def edited_files(splices: Iterable[Splice], read: Mapping[str, str]) -> dict[str, str]:
    """New text of every file that the splices touch; `read` has the text before them.

    Raises KeyError for a file that `read` lacks, ValueError for overlapping splices.
    """
    by_path: dict[str, list[Splice]] = {}
    for splice in splices:
        by_path.setdefault(splice.path, []).append(splice)
    return {path: apply_splices(read[path], parts) for path, parts in by_path.items()}


def common(one: Sequence[object], other: Sequence[object]) -> int:
    """Length of what two texts, or two lists of lines, begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
