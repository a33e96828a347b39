"""How far a model file is, for whoever shows it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Action = Literal["waiting", "fetching", "verifying", "copying"]


@dataclass(frozen=True)
class Progress:
    """Bytes `done` of `total` at the present action; `speed` in bytes a second, 0 if unknown."""

    action: Action
    done: int
    total: int
    speed: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the present speed; None while that is unknown."""
        return (self.total - self.done) / self.speed if self.speed > 0 else None

    def __str__(self) -> str:
        if self.action == "waiting":
            return "waiting for another program that is fetching it"
        percent = 100 * self.done // self.total
        text = f"{self.action} {self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB ({percent} %)"
        if (left := self.seconds_left) is None:
            return text
        return f"{text}, {self.speed / 1e6:.1f} MB/s, {left:.0f} s left"


OnProgress = Callable[[Progress], None]


def meter(action: Action, total: int, on_progress: OnProgress | None) -> Callable[[int], None]:
    """Turns counts of bytes into Progress.

    The first count is where an earlier try stopped: the speed is that of what came after it.
    """
    if on_progress is None:
        return lambda _: None
    started = time.monotonic()
    base: int | None = None

    def report(done: int) -> None:
        nonlocal base
        base = done if base is None else base
        seconds = time.monotonic() - started
        speed = max(0, done - base) / seconds if seconds > 0 else 0.0
        on_progress(Progress(action, min(done, total), total, speed))

    return report
