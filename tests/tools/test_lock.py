"""Two runs on one repository collide; the second is told by whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.errors import RepositoryBusy
from tools.lock import RepositoryLock


def test_the_second_run_is_told_who_holds_it(tmp_path: Path) -> None:
    repository, link = tmp_path / "repo", tmp_path / "link"
    repository.mkdir()
    link.symlink_to(repository)
    with RepositoryLock(repository, "run-1", state=tmp_path / "state"):
        with pytest.raises(RepositoryBusy, match=r"run-1, process \d+"):
            RepositoryLock(link, "run-2", state=tmp_path / "state").acquire()
        with RepositoryLock(tmp_path, "run-3", state=tmp_path / "state"):
            pass
    with RepositoryLock(repository, "run-4", state=tmp_path / "state"):
        assert list(repository.iterdir()) == []


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tools.lock import RepositoryLock\n"
        "RepositoryLock(Path(sys.argv[1]), 'dead', state=Path(sys.argv[1])).acquire()\n"
        "print('held', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            with pytest.raises(RepositoryBusy, match="dead"):
                RepositoryLock(tmp_path, state=tmp_path).acquire()
        finally:
            other.kill()
    with RepositoryLock(tmp_path, state=tmp_path):
        pass
