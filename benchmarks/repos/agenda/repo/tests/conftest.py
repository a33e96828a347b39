import pytest

from agenda import Scheduler


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


@pytest.fixture
def ran() -> list[int]:
    return []


class Flaky:
    """Fails at the given calls, counted from 1."""

    def __init__(self, *fail_at: int) -> None:
        self.fail_at = fail_at
        self.calls = 0

    def __call__(self, minute: int) -> None:
        self.calls += 1
        if self.calls in self.fail_at:
            raise RuntimeError(f"call {self.calls}")


@pytest.fixture
def flaky() -> type[Flaky]:
    return Flaky
