"""What servers get wrong, whether it is to be healed, and what was seen of one upstream."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

Switch = Literal["auto", "on", "off"]
SWITCHES: tuple[Switch, ...] = ("auto", "on", "off")


class Quirk(StrEnum):
    """One way to break OpenAI's format; the value names its switch."""

    STREAM = "stream"
    SAMPLES = "samples"
    FINISH = "finish"
    INDEX = "index"
    TOOL_TEXT = "tool-text"
    ARGUMENTS = "arguments"
    REPEATS = "repeats"
    FRAME = "frame"
    USAGE = "usage"
    DONE = "done"
    ERRORS = "errors"
    TRUNCATION = "truncation"


STORIES: Mapping[Quirk, tuple[str, str]] = {
    Quirk.STREAM: (
        "hangs, refuses or answers whole when asked to stream",
        "asked without streaming; the answer is written as a stream with signs of life",
    ),
    Quirk.SAMPLES: ("gives fewer samples than `n`", "asked again for the missing ones"),
    Quirk.FINISH: ("finish_reason is missing or wrong", "the right one is put in"),
    Quirk.INDEX: ("an index is missing or wrong", "counted anew from 0"),
    Quirk.TOOL_TEXT: ("leaves tool calls as text", "made real tool calls"),
    Quirk.ARGUMENTS: ("arguments are an object, not JSON text", "written as text"),
    Quirk.REPEATS: ("repeats id and name of a call", "sent once only"),
    Quirk.FRAME: ("id, role or other fields are missing or change", "filled in and kept"),
    Quirk.USAGE: ("token counts come in the wrong place", "moved to an event of their own"),
    Quirk.DONE: ("the stream ends without [DONE]", "added"),
    Quirk.ERRORS: ("errors are not in OpenAI's shape", "put into it"),
    Quirk.TRUNCATION: (
        "cuts long prompts silently",
        "tokens are counted here; such a prompt is refused",
    ),
}
"""For each quirk: what the upstream does, and what the proxy does about it."""


class Memory:
    """What one upstream was seen to do wrong; kept in ``file`` so that `agent doctor` can tell."""

    def __init__(
        self,
        upstream: str,
        switches: Mapping[Quirk, Switch] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.upstream = upstream
        chosen = switches or {}
        self.switches: dict[Quirk, Switch] = {quirk: chosen.get(quirk, "auto") for quirk in Quirk}
        self.seen: dict[Quirk, int] = dict.fromkeys(Quirk, 0)
        self._file = folder / _name(upstream) if folder else None

    def heals(self, quirk: Quirk) -> bool:
        """Whether it is to be healed where it shows."""
        return self.switches[quirk] != "off"

    def expects(self, quirk: Quirk) -> bool:
        """Whether it is to be healed before it shows: switched on, or seen already."""
        switch = self.switches[quirk]
        return switch == "on" or (switch == "auto" and self.seen[quirk] > 0)

    def note(self, quirk: Quirk) -> None:
        """It was seen."""
        self.seen[quirk] += 1
        if self.seen[quirk] == 1:
            self._keep()

    def _keep(self) -> None:
        if self._file is None:
            return
        seen = sorted(str(quirk) for quirk, count in self.seen.items() if count)
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"upstream": self.upstream, "seen": seen}), "utf-8")
        fresh.replace(self._file)


@dataclass(frozen=True)
class Known:
    """An upstream of an earlier proxy and what it was seen to get wrong."""

    upstream: str
    seen: tuple[Quirk, ...]


def known(folder: Path) -> Iterator[Known]:
    """All that is kept in ``folder``; files that are not ours are passed over."""
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            told: Any = json.loads(file.read_text("utf-8"))
            yield Known(str(told["upstream"]), tuple(Quirk(name) for name in told["seen"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _name(upstream: str) -> str:
    return hashlib.sha256(upstream.encode()).hexdigest()[:16] + ".json"
