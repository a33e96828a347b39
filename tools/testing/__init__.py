"""Finding and running a repository's tests."""

from tools.errors import NoTests
from tools.testing.detect import detect
from tools.testing.plan import TestPlan
from tools.testing.runner import TestRunner, flaky
from tools.testing.session import TestSession, WorkerFailure

__all__ = ["NoTests", "TestPlan", "TestRunner", "TestSession", "WorkerFailure", "detect", "flaky"]
