"""Runs jobs at their time, on a clock that the caller moves."""

from agenda.job import Job, JobState
from agenda.schedule import Daily, Every, Once
from agenda.scheduler import Scheduler

__all__ = ["Daily", "Every", "Job", "JobState", "Once", "Scheduler"]
