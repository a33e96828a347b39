"""How long the next test of a run may take, by what the ones before it took."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tools.worker.clock import Clock
from tools.worker.failures import TestTimeout


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.signal(signal.SIGALRM, before)


def hang(clock: Clock) -> str:
    """What is said of a test that never ends."""
    with pytest.raises(TestTimeout) as stopped, clock.limit():
        time.sleep(60)
    return str(stopped.value)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "LEAST", 0.05)


def test_each_hanging_test_halves_what_the_next_may_take():
    clock = Clock(0.4, 60)
    told = [hang(clock) for _ in range(5)]
    assert [text.split()[3] for text in told] == ["0.4", "0.2", "0.1", "0.05", "0.05"]


def test_quick_tests_change_nothing():
    clock = Clock(0.4, 60)
    for _ in range(3):
        with clock.limit():
            pass
    assert hang(clock) == "still running after 0.4 seconds, waiting in hang"


def test_a_slow_test_that_ends_keeps_the_limit_above_it():
    clock = Clock(0.4, 60)
    with clock.limit():
        time.sleep(0.15)
    hang(clock)
    assert hang(clock) == "still running after 0.4 seconds, waiting in hang"


def test_a_test_that_was_stopped_without_having_had_the_processor_is_told(
    monkeypatch: pytest.MonkeyPatch,
):
    """What it computed in its time is told by a clock of this test, whatever the machine does."""
    for computed, starved in ((1.0, False), (0.1, True)):
        told = iter([0.0, 0.2 * computed])
        monkeypatch.setattr(time, "process_time", told.__next__)
        clock = Clock(0.2, 60)
        hang(clock)
        assert clock.starved is starved


def test_a_test_that_computes_is_not_said_to_wait(monkeypatch: pytest.MonkeyPatch):
    told = iter([0.0, 0.2])
    monkeypatch.setattr(time, "process_time", told.__next__)
    assert hang(Clock(0.2, 60)) == "still running after 0.2 seconds"


def test_a_plugin_that_takes_the_signal_away_does_not_end_the_run():
    """As pytest-timeout does behind a test with a limit of its own."""
    clock = Clock(0.1, 60)
    with clock.limit():
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert hang(clock).startswith("still running after")
