"""One thread owns the model; requests wait in a bounded queue and run one after the other."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from runtime.engine_api import Cancellation, Cancelled, EngineBusy, EngineError

_Result = TypeVar("_Result")


class Worker:
    """Runs jobs in order on its own thread."""

    def __init__(self, waiting: int) -> None:
        self._jobs: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None]
        self._jobs = queue.Queue(maxsize=waiting)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], _Result], cancellation: Cancellation) -> _Result:
        """Wait for the turn of ``job`` and for its result; what it raises is raised here."""
        future: Future[_Result] = Future()
        if self._closed.is_set():
            raise EngineError("the engine is closed")

        def unless_cancelled() -> _Result:
            if cancellation.cancelled:
                raise Cancelled("the request was cancelled while it waited")
            return job()

        try:
            self._jobs.put_nowait((unless_cancelled, future))
        except queue.Full:
            raise EngineBusy(
                f"the engine is busy: {self._jobs.maxsize} requests wait already"
            ) from None
        return future.result()

    def close(self) -> None:
        """Finish what is queued, then end the thread; safe to call twice."""
        if not self._closed.is_set():
            self._closed.set()
            self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future = item
            try:
                future.set_result(job())
            except BaseException as error:  # whatever it is, the caller gets it
                future.set_exception(error)
