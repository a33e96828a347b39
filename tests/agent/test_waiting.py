"""Waiting that can be ended."""

from __future__ import annotations

import threading

import pytest

from agent.waiting import interruptible


def test_gives_what_comes_and_raises_what_is_raised() -> None:
    assert interruptible(lambda: 7, lambda: None) == 7
    for error in (ValueError("x"), TimeoutError("its own"), KeyboardInterrupt()):

        def fail(error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            interruptible(fail, lambda: None)


def test_ends_when_the_check_raises() -> None:
    release = threading.Event()

    def stop() -> None:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        interruptible(release.wait, stop)
    release.set()
