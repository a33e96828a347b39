"""How long a person waits: `agent --help`, and the first frame of `agent ui`.

    python -m benchmarks.start [--rounds N] [--json FILE]

Wall-clock time of whole processes: from before the process is made to its end, or to the moment
when a terminal has been sent the first screen. Medians, after one run of each that is not counted
and brings the files into memory. Nothing else should run beside.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, told

AGENT = Path(sys.executable).with_name("agent")
FIRST = b"Mend a repository"
"""Stands in the first screen, and nowhere before it."""
ROWS, COLUMNS = 40, 140
PATIENCE = 60.0
"""Seconds after which a screen that never came is an error."""


def ended(words: Sequence[str], environment: dict[str, str]) -> float:
    """Seconds until the command has ended; raises CalledProcessError when it fails."""
    began = time.perf_counter()
    subprocess.run(
        words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - began


def drawn(words: Sequence[str], environment: dict[str, str], text: bytes = FIRST) -> float:
    """Seconds until the command has sent `text` to its terminal; raises TimeoutError if never."""
    with _terminal() as (ours, theirs):
        began = time.perf_counter()
        process = subprocess.Popen(
            words, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        try:
            seen = b""
            while text not in seen:
                left = began + PATIENCE - time.perf_counter()
                if not select.select([ours], [], [], max(0.0, left))[0]:
                    raise TimeoutError(f"{words[-1]} has not drawn {text!r} in {PATIENCE:.0f} s")
                seen += os.read(ours, 65536)
            return time.perf_counter() - began
        finally:
            process.kill()
            process.wait()


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal of a usual size."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def figure(name: str, most: float, rounds: int, once: Callable[[], float]) -> Figure:
    """The median of some runs, after one that is not counted."""
    once()
    spent = sorted(once() for _ in range(rounds))
    detail = f"{spent[0]:.3f} to {spent[-1]:.3f} s, {rounds} runs"
    return Figure(name, statistics.median(spent), most, "s", detail)


def main(words: Sequence[str] | None = None) -> int:
    """Print a table and write JSON; 1 when something takes longer than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of each")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args(words)
    with TemporaryDirectory() as state:
        environment = {**os.environ, "LOCUM_STATE": state, "TERM": "xterm-256color"}
        helped, ui = [str(AGENT), "--help"], [str(AGENT), "ui"]
        figures = [
            figure(
                "agent --help, to its end", 0.3, given.rounds, lambda: ended(helped, environment)
            ),
            figure("agent ui, first frame", 0.7, given.rounds, lambda: drawn(ui, environment)),
        ]
    return told(figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
