"""The queue of what is to be done."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from agenda.job import Action, Job
from agenda.schedule import Schedule

BEFORE_ALL = -1


class Scheduler:
    """Runs jobs in the order of their times; jobs of the same minute as they were added."""

    def __init__(self) -> None:
        self.now = BEFORE_ALL
        self.jobs: dict[str, Job] = {}
        self._queue: list[tuple[int, int, Job]] = []
        self._order = itertools.count()

    def add(
        self, name: str, action: Action, schedule: Schedule, *, retries: int = 0, delay: int = 5
    ) -> Job:
        """Add a job; a name is free again once its job has ended."""
        if name in self.jobs and not self.jobs[name].ended:
            raise ValueError(f"there is a job {name!r} already")
        job = Job(name, action, schedule, retries, delay)
        self.jobs[name] = job
        self._plan(job, schedule.next_after(self.now))
        return job

    def cancel(self, name: str) -> None:
        """Never run a job again; raises KeyError when there is none of that name."""
        self.jobs[name].cancel()

    def run_until(self, minute: int) -> list[tuple[int, str]]:
        """Move the clock and return what ran on the way, with its time."""
        log = []
        while self._queue and self._queue[0][0] <= minute:
            self.now, _, job = heapq.heappop(self._queue)
            if job.ended:
                continue
            log.append((self.now, job.name))
            self._plan(job, job.run(self.now))
        self.now = max(self.now, minute)
        return log

    def pending(self) -> Iterator[tuple[int, str]]:
        """What is still to run, soonest first."""
        for minute, _, job in sorted(self._queue, key=lambda entry: entry[:2]):
            if not job.ended:
                yield minute, job.name

    def _plan(self, job: Job, minute: int | None) -> None:
        if minute is not None:
            heapq.heappush(self._queue, (minute, next(self._order), job))
