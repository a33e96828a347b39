"""SIGKILL of the agent, the model's server or a test's process at random moments; a full disk.

The user's tree is untouched or mended, the run can be gone on with, and nothing stays behind.
Four kills in `make test`, two hundred in `make test-attacks`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crashing import PATIENCE, Scene, Toll, crash

KILLS = int(os.environ.get("LOCUM_KILLS", 200 if os.environ.get("LOCUM_LONG_TESTS") else 2))
SEED = int(os.environ.get("LOCUM_KILLS_SEED", "20260102"))
pytestmark = pytest.mark.slow


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "undisturbed")
    yield made
    made.close()


def test_a_kill_at_any_moment_does_no_harm(scene: Scene, tmp_path: Path) -> None:
    scene.serve()
    began = time.monotonic()
    agent = scene.fix()
    assert agent.wait(PATIENCE) == 0, scene.said()
    usual = time.monotonic() - began
    assert scene.patched(), "positive control: undisturbed, it is mended"
    assert list(scene.leftovers()) == []
    source, toll = random.Random(SEED), Toll()
    for number in range(KILLS):
        disturbed = Scene(tmp_path / str(number))
        try:
            usual = crash(disturbed, source, usual, toll)
        finally:
            disturbed.close()
    print(toll)
    assert toll.clean, toll
    assert sum(toll.hits.values()) >= KILLS // 2, "positive control: many kills hit something"


@pytest.mark.parametrize("largest", [1_000, 20_000])
def test_a_full_disk_leaves_the_tree_alone_and_the_run_resumable(
    scene: Scene, largest: int
) -> None:
    """No file of the agent may get larger than so many bytes: writes fail as on a full disk."""
    scene.serve()
    status = scene.fix(largest_file=largest).wait(PATIENCE)
    said = scene.said()
    assert "Traceback" not in said
    assert scene.untouched() or scene.patched()
    if status == 0:
        assert largest > 20_000, "positive control: the limit was felt"
        return
    run = scene.run_id()
    again = scene.start("resume", run) if run else scene.fix()
    assert again.wait(PATIENCE) == 0, scene.said()
    assert scene.patched()
    assert list(scene.leftovers()) == []
