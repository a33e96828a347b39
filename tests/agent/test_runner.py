from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.events import Note
from agent.runner import Run
from agent.state import Task


def test_an_interrupted_run_lets_its_work_end_before_anything_is_closed(tmp_path: Path):
    """A checkpoint that was written while its connection was closed crashed the process."""
    run = Run(Task(path=str(tmp_path), model="m"), "id", tmp_path, resumed=False)
    ended: list[bool] = []

    def work() -> None:
        run._events.put(Note(text="begun"))
        assert run._cancelled.wait(10)
        time.sleep(0.2)
        ended.append(True)

    with ThreadPoolExecutor(1) as pool:
        watching = run._watch(pool.submit(work))
        assert next(watching) == Note(text="begun")
        with pytest.raises(KeyboardInterrupt):
            watching.throw(KeyboardInterrupt())
        assert ended == [True]
