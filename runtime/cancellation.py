"""Stopping a request that is under way."""

import threading
from collections.abc import Callable


class Cancellation:
    """Set once, from any thread, to stop a request between tokens or in prefill."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the request to stop."""
        with self._lock:
            self._event.set()
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def on_cancel(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from any thread, once the request is asked to stop."""
        with self._lock:
            if not self._event.is_set():
                self._calls.append(call)
                return
        call()

    @property
    def cancelled(self) -> bool:
        """Whether the request was asked to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the request is asked to stop, at most so long; whether it was."""
        return self._event.wait(seconds)
