"""The engine's own figures as Prometheus reads them, looked up when they are asked for."""

from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from runtime.engine_api import EngineState
from runtime.measures import Histogram


class EngineCollector(Collector):
    """Asks the engine for its state at each scrape."""

    def __init__(self, state: Callable[[], EngineState]) -> None:
        self._state = state

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked of the engine before the first scrape."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All figures of one moment."""
        state = self._state()
        asked = max(1, state.prompt_tokens)
        hits, from_disk = state.cached_tokens / asked, state.disk_tokens / asked
        for name, story, value in (
            ("queue_depth", "Requests that wait for a seat.", state.waiting),
            ("engine_running", "Requests that are decoded.", state.running),
            ("kv_cells", "Tokens that the key-value cache holds.", state.cells),
            ("kv_cells_reserved", "Those promised to running requests.", state.reserved_cells),
            ("kv_cells_headroom", "Those left.", state.cells - state.reserved_cells),
            ("prefix_hit_ratio", "Prompt tokens that were not computed again, of all.", hits),
            ("prefix_cache_bytes", "Host memory that holds prompts.", state.prefix_bytes),
            ("prefix_cache_capacity_bytes", "Most that it may hold.", state.prefix_capacity),
            ("prefix_disk_hit_ratio", "Prompt tokens read from disk, of all.", from_disk),
            ("prefix_disk_bytes", "Files that hold prompts.", state.disk_bytes),
            ("prefix_disk_capacity_bytes", "Most that they may take.", state.disk_capacity),
        ):
            yield GaugeMetricFamily(f"locum_{name}", story, value)
        measures = state.measures
        for name, story, value in (
            ("drafted_tokens", "Tokens guessed from the prompt.", measures.drafted_tokens),
            ("accepted_drafts", "Guessed tokens that were right.", measures.accepted_drafts),
            ("engine_cancelled", "Requests stopped early.", measures.cancelled),
            ("engine_refused", "Requests refused for a full queue.", measures.refused),
            ("decode_seconds", "Time spent in the model.", measures.decode_seconds),
        ):
            yield CounterMetricFamily(f"locum_{name}", story, value)
        for name, story, histogram in (
            ("queue_seconds", "From a request to its seat.", measures.queue_seconds),
            ("batch_entries", "Tokens decoded at once.", measures.batch_entries),
            ("batch_requests", "Requests decoded at once.", measures.batch_requests),
        ):
            yield _family(f"locum_{name}", story, histogram)


def _family(name: str, story: str, histogram: Histogram) -> Metric:
    """Prometheus counts each bucket with all smaller ones."""
    buckets: list[tuple[str, float]] = []
    below = 0
    bounds = [*(str(bound) for bound in histogram.bounds), "+Inf"]
    for bound, count in zip(bounds, histogram.counts, strict=True):
        below += count
        buckets.append((bound, below))
    return HistogramMetricFamily(name, story, buckets=buckets, sum_value=histogram.total)
