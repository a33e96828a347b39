"""Waiting for somebody else's answer without being deaf meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
LOOK_EVERY = 0.1
"""Seconds between two looks at whether the wait is to end."""


def interruptible(act: Callable[[], T], check: Callable[[], None]) -> T:
    """What `act` gives or raises; `check` is asked ten times a second and may raise instead.

    Then `act` is left behind in a daemon thread, which keeps no process alive: a blocking read of
    a socket cannot be ended from another thread in any portable way.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(act())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="request", daemon=True).start()
    while True:
        try:
            return future.result(LOOK_EVERY)
        except TimeoutError:
            if future.done():  # its own
                return future.result()
        check()
