"""What the engine counts while it works, for whoever reports it."""

from bisect import bisect_left
from dataclasses import dataclass, field

# Seconds; Prometheus' own defaults, with room for prompts of minutes.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
_SHARE = 0.2
"""Weight of the newest request in the running mean of service times."""


@dataclass
class Histogram:
    """Counts by upper bound, the last one for all above; ``total`` is the sum of the values."""

    bounds: tuple[float, ...] = SECONDS
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass
class Measures:
    """Written by the engine's threads, read by anyone; every figure only grows."""

    queue_seconds: Histogram = field(default_factory=Histogram)
    """From the request to its seat."""
    first_token_seconds: Histogram = field(default_factory=Histogram)
    """From the request to its first token, of generations."""
    token_seconds: Histogram = field(default_factory=Histogram)
    """Mean time between the tokens of one sample, one value for each sample."""
    batch_entries: Histogram = field(default_factory=lambda: Histogram(SIZES))
    batch_requests: Histogram = field(default_factory=lambda: Histogram(SIZES))
    decode_seconds: float = 0.0
    """Spent in the model."""
    generated_tokens: int = 0
    drafted_tokens: int = 0
    accepted_drafts: int = 0
    cancelled: int = 0
    refused: int = 0
    _service_seconds: float = 1.0

    def queued(self, seconds: float) -> None:
        """A request got its seat after so long."""
        self.queue_seconds.add(seconds)

    def decoded(self, entries: int, requests: int, seconds: float) -> None:
        """A batch has run."""
        self.batch_entries.add(entries)
        self.batch_requests.add(requests)
        self.decode_seconds += seconds

    def served(self, seconds: float) -> None:
        """A request has ended, so long after it came."""
        self._service_seconds += _SHARE * (seconds - self._service_seconds)

    def wait_seconds(self, waiting: int) -> float:
        """How long a request may have to wait behind so many; a rough guess."""
        return max(1.0, min(60.0, self._service_seconds * waiting / 4))
