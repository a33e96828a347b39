"""What the server measures, for Prometheus.

Buckets are close enough for percentiles: p95 of a histogram is off by half a bucket at most, and
these are a factor of 1.6 to 2.5 apart.
"""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.engine_api import Generated

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.6, 1, 1.7, 3, 5, 8, 13, 20, 35, 60, 120, 300, 600)
TOKEN_SECONDS = (0.002, 0.004, 0.007, 0.012, 0.02, 0.03, 0.04, 0.055, 0.075, 0.1, 0.15, 0.25, 0.5)
SAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_ROUTES = frozenset(
    [
        *("/v1/chat/completions", "/v1/completions", "/v1/branch", "/v1/score", "/v1/models"),
        *("/tokenize", "/health", "/metrics", "/openapi.json"),
    ]
)


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "locum_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self._running = Gauge(
            "locum_requests_running", "Requests in work or waiting.", registry=self.registry
        )
        self._seconds = self._histogram(
            "locum_request_seconds", "From a request to the end of its answer.", SECONDS, ["route"]
        )
        self._first = self._histogram(
            "locum_time_to_first_token_seconds", "From a request to its first text.", SECONDS
        )
        self._token = self._histogram(
            "locum_time_per_output_token_seconds", "Between tokens of one sample.", TOKEN_SECONDS
        )
        self._samples = self._histogram(
            "locum_samples_per_request", "Samples that were asked for at once.", SAMPLES
        )
        self._prompt = self._counter("locum_prompt_tokens", "Tokens of prompts.")
        self._cached = self._counter(
            "locum_cached_prompt_tokens", "Tokens of prompts that were not computed again."
        )
        self._generated = self._counter("locum_generated_tokens", "Tokens that were generated.")
        self._cancelled = self._counter(
            "locum_cancellations", "Requests that ended early because the client left."
        )
        self._rejected = self._counter(
            "locum_rejected_calls", "Forced tool calls that no sample made in all tries."
        )

    def generation(self) -> "Watch":
        """Begin to watch one request for generated text."""
        return Watch(self)

    def prompt_read(self, tokens: int, cached: int) -> None:
        """A prompt was read, ``cached`` tokens of it from the cache."""
        self._prompt.inc(tokens)
        self._cached.inc(cached)

    def cancelled(self) -> None:
        """A client left before its answer."""
        self._cancelled.inc()

    def no_call(self) -> None:
        """A forced tool call was not made."""
        self._rejected.inc()

    def first_text(self, seconds: float) -> None:
        """The first text of a request came."""
        self._first.observe(seconds)

    def generated(self, made: Generated, seconds: float) -> None:
        """A request was answered, ``seconds`` after its first text."""
        self.prompt_read(made.prompt_tokens, made.cached_tokens)
        self._generated.inc(sum(sample.tokens for sample in made.samples))
        self._samples.observe(len(made.samples))
        longest = max(sample.tokens for sample in made.samples)
        if longest > 1:
            self._token.observe(seconds / (longest - 1))

    def answer(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def began(self) -> None:
        """A request came in."""
        self._running.inc()

    def ended(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._running.dec()
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def _counter(self, name: str, story: str) -> Counter:
        return Counter(name, story, registry=self.registry)

    def _histogram(
        self,
        name: str,
        story: str,
        buckets: tuple[float, ...],
        labels: tuple[str, ...] | list[str] = (),
    ) -> Histogram:
        return Histogram(name, story, labels, buckets=buckets, registry=self.registry)


class Watch:
    """Times the first text and the rest of one request; called from the engine's thread."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._began = time.monotonic()
        self._first: float | None = None

    def listen(self, on_text: Callable[[int, str], None] | None) -> Callable[[int, str], None]:
        """The same listener, with the first text timed."""

        def heard(index: int, text: str) -> None:
            if self._first is None:
                self._first = time.monotonic()
                self._metrics.first_text(self._first - self._began)
            if on_text is not None:
                on_text(index, text)

        return heard

    def done(self, made: Generated) -> None:
        """The request was answered."""
        now = time.monotonic()
        self._metrics.generated(made, now - (self._first or now))


class Counted:
    """ASGI middleware: counts and times every request, refused ones too."""

    def __init__(self, application: ASGIApp, metrics: Metrics) -> None:
        self._application = application
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        status = 499
        began = time.monotonic()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.began()
        try:
            await self._application(scope, receive, noted)
        finally:
            path = Request(scope).url.path
            route = path if path in _ROUTES else "other"
            self._metrics.ended(route, status, time.monotonic() - began)
