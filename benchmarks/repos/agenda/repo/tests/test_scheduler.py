import pytest

from agenda import Every, JobState, Once, Scheduler


def test_runs_in_order_of_time(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("late", ran.append, Once(20))
    scheduler.add("early", ran.append, Once(10))
    assert scheduler.run_until(30) == [(10, "early"), (20, "late")]
    assert ran == [10, 20]
    assert scheduler.now == 30


def test_stops_at_the_minute(scheduler: Scheduler, ran: list[int]) -> None:
    job = scheduler.add("tick", ran.append, Every(10))
    scheduler.run_until(20)
    assert ran == [0, 10, 20]
    assert list(scheduler.pending()) == [(30, "tick")]
    assert job.state is JobState.WAITING


def test_same_minute(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("b", ran.append, Once(10))
    scheduler.add("a", ran.append, Once(10))
    assert scheduler.run_until(10) == [(10, "b"), (10, "a")]


def test_done(scheduler: Scheduler, ran: list[int]) -> None:
    job = scheduler.add("tick", ran.append, Every(10, until=10))
    scheduler.run_until(99)
    assert (job.state, job.runs) == (JobState.DONE, 2)


def test_names_are_unique(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("one", ran.append, Once(1))
    with pytest.raises(ValueError, match="'one' already"):
        scheduler.add("one", ran.append, Once(2))
    scheduler.run_until(1)
    scheduler.add("one", ran.append, Once(2))


class TestCancel:
    def test_before_it_runs(self, scheduler: Scheduler, ran: list[int]) -> None:
        scheduler.add("tick", ran.append, Every(10))
        scheduler.run_until(0)
        scheduler.cancel("tick")
        scheduler.run_until(50)
        assert ran == [0]
        assert list(scheduler.pending()) == []

    def test_from_within(self, scheduler: Scheduler, ran: list[int]) -> None:
        def act(minute: int) -> None:
            ran.append(minute)
            if minute == 20:
                scheduler.cancel("tick")

        job = scheduler.add("tick", act, Every(10))
        scheduler.run_until(60)
        assert ran == [0, 10, 20]
        assert job.state is JobState.CANCELLED

    def test_what_is_done_stays_done(self, scheduler: Scheduler, ran: list[int]) -> None:
        job = scheduler.add("one", ran.append, Once(1))
        scheduler.run_until(1)
        scheduler.cancel("one")
        assert job.state is JobState.DONE

    def test_unknown(self, scheduler: Scheduler) -> None:
        with pytest.raises(KeyError):
            scheduler.cancel("nobody")


class TestRetry:
    def test_again_after_the_delay(self, scheduler: Scheduler, flaky) -> None:
        job = scheduler.add("call", flaky(1), Once(10), retries=1, delay=3)
        assert scheduler.run_until(60) == [(10, "call"), (13, "call")]
        assert (job.state, job.runs, job.errors) == (JobState.DONE, 1, ["10: call 1"])

    def test_gives_up(self, scheduler: Scheduler, flaky) -> None:
        job = scheduler.add("call", flaky(1, 2, 3), Once(10), retries=2)
        scheduler.run_until(60)
        assert job.state is JobState.FAILED
        assert len(job.errors) == 3

    def test_counts_failures_in_a_row(self, scheduler: Scheduler, flaky) -> None:
        job = scheduler.add("call", flaky(1, 3, 5), Every(10, until=40), retries=1, delay=2)
        scheduler.run_until(60)
        assert job.state is JobState.DONE
        assert job.runs == 5
