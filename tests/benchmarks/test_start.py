"""The clock stops at the first screen, not before and not at the end of the process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks import start
from benchmarks.figures import Figure, told

LATE = "import time\ntime.sleep(0.5)\nprint('Mend a ' + 'repository', flush=True)\ntime.sleep(60)\n"


def test_time_until_the_first_screen_is_what_counts() -> None:
    seconds = start.drawn([sys.executable, "-c", LATE], dict(os.environ))
    assert 0.5 <= seconds < 50, "after the wait, and before the process would have ended"


def test_a_screen_that_never_comes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PATIENCE", 0.5)
    with pytest.raises(TimeoutError, match="has not drawn"):
        start.drawn([sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ))


@pytest.mark.slow
def test_the_screen_itself_is_recognised(home: Path) -> None:
    words = [sys.executable, "-P", "-m", "agent", "ui"]
    assert start.drawn(words, {**os.environ, "TERM": "xterm-256color"}) > 0


def test_medians_are_shown_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spent = iter([9.0, 0.3, 0.1, 0.2])
    good = start.figure("x", 0.5, 3, lambda: next(spent))
    assert good == Figure("x", 0.2, 0.5, "s", "0.100 to 0.300 s, 3 runs")
    assert told([good], tmp_path / "new" / "f.json") == 0
    assert json.loads((tmp_path / "new" / "f.json").read_text())["figures"][0]["value"] == 0.2
    assert told([good, Figure("y", 2.0, 1.0, "s")], None) == 1
    assert "TOO MUCH" in capsys.readouterr().out
