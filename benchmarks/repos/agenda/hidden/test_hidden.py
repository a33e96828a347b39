from agenda import Daily, Every, JobState, Once, Scheduler


def test_attempts_start_anew_after_a_success(scheduler: Scheduler, flaky) -> None:
    job = scheduler.add("call", flaky(1, 2, 4, 5), Every(100), retries=2, delay=1)
    scheduler.run_until(250)
    assert job.state is JobState.WAITING
    assert job.attempts == 0
    assert len(job.errors) == 4


def test_three_jobs_of_one_minute_stay_in_order(scheduler: Scheduler, ran: list[int]) -> None:
    for name in ("c", "a", "b"):
        scheduler.add(name, ran.append, Once(7))
    assert list(scheduler.pending()) == [(7, "c"), (7, "a"), (7, "b")]
    assert [name for _, name in scheduler.run_until(7)] == ["c", "a", "b"]


def test_repeating_jobs_that_meet(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("three", ran.append, Every(3, start=3))
    scheduler.add("two", ran.append, Every(2, start=2))
    assert scheduler.run_until(6) == [
        (2, "two"),
        (3, "three"),
        (4, "two"),
        (6, "three"),
        (6, "two"),
    ]


def test_cancelled_from_within_is_not_pending(scheduler: Scheduler) -> None:
    job = scheduler.add("once", lambda minute: scheduler.cancel("once"), Every(5))
    assert scheduler.run_until(5) == [(0, "once")]
    assert list(scheduler.pending()) == []
    assert (job.state, job.runs) == (JobState.CANCELLED, 1)


def test_cancelled_by_a_job_of_the_same_minute(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("first", lambda minute: scheduler.cancel("second"), Once(5))
    scheduler.add("second", ran.append, Once(5))
    assert scheduler.run_until(5) == [(5, "first")]
    assert ran == []


def test_until_is_included(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("tick", ran.append, Every(4, start=2, until=10))
    scheduler.add("odd", lambda minute: None, Every(4, start=2, until=9))
    assert scheduler.run_until(99)[-1] == (10, "tick")
    assert ran == [2, 6, 10]


def test_daily(scheduler: Scheduler, ran: list[int]) -> None:
    scheduler.add("report", ran.append, Daily("06:00"))
    scheduler.run_until(3 * 1440)
    assert ran == [360, 1800, 3240]
