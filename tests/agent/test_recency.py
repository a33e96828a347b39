from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agent.recency import FEW, recency

DAY = 86_400
NAMES = ["a.py", "b.py", "c.py", "d.py"]


def commit(root: Path, when: str) -> None:
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    for words in (["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=root, check=True, env=os.environ | dates)


def written(root: Path, *names: str, when: float = DAY) -> None:
    for name in names:
        (root / name).write_text(f"{name} {when}")
        os.utime(root / name, (when, when))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    written(tmp_path, *NAMES)
    return tmp_path


def test_without_commits_the_time_on_disk_counts(files: Path) -> None:
    names = [*reversed(NAMES), "gone.py"]
    plain = recency(files, names)
    assert plain.newest_first(names) == sorted(names)
    assert plain.newest() == frozenset(), "all were written together"
    written(files, "c.py", when=2 * DAY)
    written(files, "b.py", when=1.8 * DAY)
    found = recency(files, names)
    assert found.newest_first(names) == ["c.py", "b.py", "a.py", "d.py", "gone.py"]
    assert found.newest() == {"c.py"}


@pytest.mark.usefixtures("git_identity")
def test_behind_a_checkout_the_last_commit_counts(files: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=files, check=True)
    commit(files, "2024-01-01T00:00:00Z")
    assert recency(files, NAMES).newest() == frozenset(), "one commit made all of them"
    written(files, "d.py", when=DAY + 1)
    commit(files, "2024-02-01T00:00:00Z")
    assert recency(files, NAMES).newest() == {"d.py"}
    assert recency(files, NAMES).newest_first(NAMES) == ["d.py", "a.py", "b.py", "c.py"]
    written(files, "b.py", when=2 * DAY)
    assert recency(files, NAMES).newest_first(NAMES)[:2] == ["b.py", "d.py"], "not committed yet"


def test_many_files_that_were_changed_together_say_nothing(tmp_path: Path) -> None:
    names = [f"m{number}.py" for number in range(3 * FEW)]
    written(tmp_path, *names)
    written(tmp_path, *names[:FEW], when=2 * DAY)
    assert len(recency(tmp_path, names).newest()) == FEW, "positive control"
    written(tmp_path, names[FEW], when=2 * DAY)
    assert recency(tmp_path, names).newest() == frozenset()
