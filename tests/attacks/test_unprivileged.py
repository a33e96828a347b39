"""Root may do what others may not, so what holds for root is tried again without its rights.

A user namespace maps us to an ordinary user with no capability at all: root's own files stay
readable, as they are to their owner, and nothing else of root is left.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DROP = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
AGAIN = (
    "tests/attacks/test_planted.py::test_a_hostile_repository_is_copied_and_applied_to_safely",
    "tests/tools/test_workspace.py",
    "tests/tools/sandbox/test_sandbox.py::test_choose_takes_the_strongest_that_is_proven",
)


def without_root(*command: str) -> subprocess.CompletedProcess[str]:
    """`command` as an ordinary user; as it is where we are one."""
    drop = DROP if os.geteuid() == 0 else ()
    return subprocess.run(
        [*drop, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )


def test_root_is_really_gone() -> None:
    read = without_root("sh", "-c", "id -u; grep CapEff /proc/self/status")
    uid, capabilities = read.stdout.split("\n")[:2]
    assert uid != "0", read.stderr
    assert int(capabilities.split()[1], 16) == 0
    if os.geteuid() == 0:
        assert int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16) > 0


@pytest.mark.slow
def test_what_holds_for_root_holds_for_others() -> None:
    assert os.geteuid() != 0 or shutil.which("unshare"), "util-linux is needed"
    pytest_again = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    # A short path: one of the cases makes a socket, whose path has at most 107 bytes.
    with tempfile.TemporaryDirectory() as folder:
        done = without_root(*pytest_again, f"--basetemp={folder}/again", *AGAIN)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
