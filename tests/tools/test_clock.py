"""How long the next test of a run may take, by what the ones before it took."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tools.worker import clock as clocks
from tools.worker.clock import Clock, queue
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


def compute() -> None:
    while True:
        pass


def seconds(text: str) -> float:
    return float(text.split()[3].rstrip(","))


def told(monkeypatch: pytest.MonkeyPatch, share: float, *, alone: bool = True) -> None:
    """The system says that this share of the time was spent waiting for a processor.

    `alone`: threads that other tests of this process have left behind do not count.
    """
    began = time.monotonic()
    if alone:
        monkeypatch.setattr(clocks, "_has_helpers", lambda: False)
    monkeypatch.setattr(clocks, "queue", lambda: lambda: share * (time.monotonic() - began))


def test_a_test_that_waits_or_computes_has_its_own_time(monkeypatch: pytest.MonkeyPatch):
    told(monkeypatch, 0.0)
    clock = Clock(5, 60, 0.2)
    assert 0.19 <= seconds(hang(clock)) < 1
    with pytest.raises(TestTimeout, match="still running after 0"), clock.limit():
        compute()
    assert not clock.starved


def test_waiting_for_a_processor_is_not_its_own_time(monkeypatch: pytest.MonkeyPatch):
    told(monkeypatch, 0.75)
    clock = Clock(5, 60, 0.2)
    assert seconds(hang(clock)) >= 0.75
    assert clock.starved


def test_with_all_its_time_spent_waiting_for_a_processor_a_test_ends_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
):
    told(monkeypatch, 1.0)
    clock = Clock(0.4, 60, 0.2)
    assert 0.38 <= seconds(hang(clock)) < 1
    assert clock.starved


def test_a_test_with_a_process_or_thread_of_its_own_may_wait_for_one_that_waits(
    monkeypatch: pytest.MonkeyPatch,
):
    told(monkeypatch, 0.0, alone=False)
    clock = Clock(5, 60, 0.2)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        hang(clock)
        process.kill()
    assert clock.starved
    clock, done = Clock(5, 60, 0.2), threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    hang(clock)
    done.set()
    thread.join()
    assert clock.starved


def test_where_the_system_does_not_tell_a_test_has_its_whole_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clocks, "queue", lambda: None)
    assert hang(Clock(0.4, 60, 0.1)).startswith("still running after 0.4 seconds")


def test_where_it_can_no_longer_be_told_a_test_has_its_whole_time_too(
    monkeypatch: pytest.MonkeyPatch,
):
    """A test may close all files, that of the system's figures among them."""
    monkeypatch.setattr(clocks, "queue", lambda: lambda: None)
    clock = Clock(0.4, 60, 0.1)
    assert 0.38 <= seconds(hang(clock)) < 1
    assert clock.starved


def test_the_run_is_over_with_the_first_test_that_exceeds_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
):
    told(monkeypatch, 0.0)
    for own, over in ((0.1, True), (None, False)):
        clock = Clock(0.2, 60, own)
        with clock.limit():
            pass
        assert not clock.no_more
        hang(clock)
        assert clock.no_more is over


@pytest.mark.skipif(queue() is None, reason="the system does not tell")
def test_the_system_tells_what_this_process_waited():
    told_by_the_system = queue()
    assert told_by_the_system is not None
    before, began = told_by_the_system(), time.monotonic()
    time.sleep(0.1)
    after = told_by_the_system()
    assert before is not None
    assert after is not None
    assert 0 <= after - before < time.monotonic() - began
