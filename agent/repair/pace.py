"""How long the model takes for a step in this run, against what the step is estimated at."""

from __future__ import annotations

REMEMBERED = 0.5
"""Seconds below which an answer came from what was asked before, and says nothing."""


class Pace:
    """Learns from each answer; another machine's estimates may be off by a factor of four."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def saw(self, name: str, estimated: float, seconds: float) -> None:
        """A step that was estimated at so many seconds took `seconds`."""
        if estimated > 0 and seconds > REMEMBERED:
            before = self._seen.get(name, (0.0, 0.0))
            self._seen[name] = (before[0] + estimated, before[1] + seconds)

    def of(self, name: str) -> float:
        """What to multiply an estimate by: the step's own answers count.

        A step that has not been asked for is taken to be half as much off as the others were: they
        also waited for the model to load, and read what it finds read. On a slow machine of two
        cores 36 questions for the likeliest branches took 2.3 times as long as estimated (1.5 to
        4.5), two for blocks behind them 1.2 and 1.4 times.
        """
        if name in self._seen:
            estimated, seconds = self._seen[name]
            return seconds / estimated
        if not self._seen:
            return 1.0
        estimated, seconds = map(sum, zip(*self._seen.values(), strict=True))
        return 1 + (seconds / estimated - 1) / 2
