"""One thread owns the model and runs many requests in the same batches.

Requests wait in a bounded queue, take a seat when all they may need is free, and then join and
leave at token boundaries: every turn, the scheduler puts the entries that the running jobs want
into one batch, decodes it and hands each job its logits.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from runtime.core import ROWS, Aborted, CacheFull, Entry, Steps
from runtime.engine_api import Cancellation, Cancelled, EngineBusy, EngineError
from runtime.lane import Lane, Need, Seat
from runtime.measures import Measures
from runtime.sampling import Logits

_Result = TypeVar("_Result", covariant=True)


class Job(Protocol[_Result]):
    """One request as the scheduler sees it."""

    @property
    def need(self) -> Need:
        """What it may come to hold."""

    def steps(self, seat: Seat) -> Steps[_Result]:
        """Its work; see ``runtime.core.Steps``."""


@dataclass(eq=False)
class _Task:
    """A job on its way."""

    job: Job[Any]
    owner: str
    exclusive: bool
    cancellation: Cancellation
    asked: float
    future: Future[Any] = field(default_factory=Future)
    seat: Seat | None = None
    steps: Steps[Any] | None = None
    entries: Sequence[Entry] = ()
    passed_over: bool = False

    @property
    def order(self) -> tuple[bool, int]:
        """Who did not fit last time comes first, then who wants little."""
        return not self.passed_over, len(self.entries)


class Scheduler:
    """Runs jobs on its own thread. ``lanes``: the shared one, and the one for those alone."""

    def __init__(
        self, shared: Lane, exclusive: Callable[[], Lane], waiting: int, measures: Measures
    ) -> None:
        """``exclusive`` is called once it is needed; ``waiting`` requests may queue."""
        self._lanes = [shared]
        self._new_lane = exclusive
        self._most_waiting = waiting
        self._measures = measures
        self._queue: deque[_Task] = deque()
        self._active: dict[Lane, list[_Task]] = {shared: []}
        self._running: Sequence[_Task] = ()
        self._lane: Lane | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def run(
        self,
        job: Job[_Result],
        cancellation: Cancellation,
        *,
        owner: str = "",
        exclusive: bool = False,
    ) -> _Result:
        """Wait for the result of ``job``; what it raises is raised here.

        Raises EngineBusy at once if too many wait already.
        """
        task = _Task(job, owner, exclusive, cancellation, time.monotonic())
        with self._changed:
            if self._closed:
                raise EngineError("the engine is closed")
            if len(self._queue) >= self._most_waiting:
                self._measures.refused += 1
                raise EngineBusy(
                    f"the engine is busy: {len(self._queue)} requests wait already",
                    self._measures.wait_seconds(len(self._queue)),
                )
            self._queue.append(task)
            self._changed.notify()
        cancellation.on_cancel(lambda: self._interrupt(task))
        result: _Result = task.future.result()
        return result

    def close(self) -> None:
        """Finish what is queued, then end the thread; safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for lane in self._lanes:
            lane.close()
        self._lanes = []

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Requests that hold a seat."""
        return sum(len(tasks) for tasks in self._active.values())

    @property
    def lanes(self) -> Sequence[Lane]:
        """Those that exist."""
        return tuple(self._lanes)

    def _interrupt(self, task: _Task) -> None:
        """A request was cancelled: wake the thread, or end its decode if that is for nobody."""
        with self._changed:
            self._changed.notify()
            running, lane = self._running, self._lane
            if lane is None or task not in running:
                return
            dead = sum(len(t.entries) for t in running if t.cancellation.cancelled)
            # A batch that is mostly for others is worth finishing: they would run it again.
            if 2 * dead >= sum(len(t.entries) for t in running):
                lane.core.abort()

    def _work(self) -> None:
        try:
            while self._wait():
                self._admit()
                for lane in tuple(self._lanes):
                    self._turn(lane)
        except BaseException as error:
            self._give_up(error)
            raise

    def _wait(self) -> bool:
        """Sleep until there is work; False when there will be none."""
        with self._changed:
            while not self._queue and not self.running:
                if self._closed:
                    return False
                self._changed.wait()
        return True

    def _give_up(self, error: BaseException) -> None:
        """A fault of the scheduler itself: nobody may wait for ever."""
        with self._changed:
            self._closed = True
            waiting = [*self._queue, *(task for tasks in self._active.values() for task in tasks)]
            self._queue.clear()
        for task in waiting:
            if not task.future.done():
                task.future.set_exception(EngineError(f"the engine broke down: {error!r}"))

    def _admit(self) -> None:
        """Seat whoever is next, in the order of arrival, until one does not fit."""
        full: set[Lane] = set()
        for task in tuple(self._queue):
            if task.cancellation.cancelled:
                self._dequeue(task)
                self._fail(task, Cancelled("the request was cancelled while it waited"))
                continue
            try:
                lane = self._lane_for(task)
                seat = None if lane in full else lane.admit(task.owner, task.job.need)
            except Exception as error:  # whatever it is, the caller gets it
                self._dequeue(task)
                self._fail(task, error)
                continue
            if seat is None:
                full.add(lane)
                continue
            self._dequeue(task)
            self._measures.queued(time.monotonic() - task.asked)
            self._active[lane].append(task)
            task.seat, task.steps = seat, task.job.steps(seat)
            self._advance(lane, task, None)

    def _lane_for(self, task: _Task) -> Lane:
        if not task.exclusive:
            return self._lanes[0]
        if len(self._lanes) == 1:
            lane = self._new_lane()
            self._lanes.append(lane)
            self._active[lane] = []
        return self._lanes[1]

    def _turn(self, lane: Lane) -> None:
        """Run one batch for the jobs of a lane."""
        for task in tuple(self._active[lane]):
            if task.cancellation.cancelled:
                self._end(lane, task, Cancelled("the request was cancelled"))
        chosen = self._choose(lane)
        if not chosen:
            return
        entries = [entry for task in chosen for entry in task.entries]
        began = time.monotonic()
        try:
            rows = self._decode(lane, chosen, entries)
        except Aborted:
            return  # whoever was cancelled ends with the next turn, and the others run again
        except CacheFull as error:
            self._end(lane, chosen[-1], error)
            return
        except EngineError as error:
            for task in chosen:
                self._end(lane, task, error)
            return
        self._measures.decoded(len(entries), len(chosen), time.monotonic() - began)
        at = 0
        for task in chosen:
            wanted = sum(entry.wanted for entry in task.entries)
            self._advance(lane, task, rows[at : at + wanted])
            at += wanted

    def _choose(self, lane: Lane) -> list[_Task]:
        """The jobs whose entries fit into the next batch."""
        chosen: list[_Task] = []
        size = wanted = 0
        for task in sorted(self._active[lane], key=lambda task: task.order):
            rows = sum(entry.wanted for entry in task.entries)
            fits = size + len(task.entries) <= lane.core.batch and wanted + rows <= ROWS
            task.passed_over = not fits
            if fits:
                chosen.append(task)
                size += len(task.entries)
                wanted += rows
        return chosen

    def _decode(
        self, lane: Lane, chosen: Sequence[_Task], entries: Sequence[Entry]
    ) -> list[Logits]:
        with self._changed:
            self._running, self._lane = chosen, lane
        try:
            return lane.core.decode(entries)
        except (Aborted, EngineError):
            for sequence, position in _first_positions(entries).items():
                lane.core.forget(sequence, position)
            raise
        finally:
            with self._changed:
                self._running, self._lane = (), None

    def _advance(self, lane: Lane, task: _Task, rows: list[Logits] | None) -> None:
        """Let a job take its logits and say what it wants next."""
        assert task.steps is not None
        try:
            task.entries = next(task.steps) if rows is None else task.steps.send(rows)
        except StopIteration as done:
            self._end(lane, task, None, done.value)
        except Exception as error:  # whatever it is, the caller gets it
            self._end(lane, task, error)

    def _end(self, lane: Lane, task: _Task, error: Exception | None, result: object = None) -> None:
        assert task.seat is not None
        assert task.steps is not None
        self._active[lane].remove(task)
        task.steps.close()
        try:
            lane.leave(task.seat)
        finally:
            self._measures.served(time.monotonic() - task.asked)
            if error is None:
                task.future.set_result(result)
            else:
                self._fail(task, error)

    def _fail(self, task: _Task, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._measures.cancelled += 1
        task.future.set_exception(error)

    def _dequeue(self, task: _Task) -> None:
        with self._changed:
            self._queue.remove(task)


def _first_positions(entries: Sequence[Entry]) -> dict[int, int]:
    """Where each sequence of a batch begins in it."""
    first: dict[int, int] = {}
    for entry in entries:
        first.setdefault(entry.sequence, entry.position)
    return first
