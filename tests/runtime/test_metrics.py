"""What `/metrics` tells after requests of every outcome."""

from typing import Any

import httpx
from fake_engine import FakeEngine
from prometheus_client.parser import text_string_to_metric_families

from runtime.client import Endpoint
from runtime.engine_api import EngineBusy


def post(endpoint: Endpoint, **changes: Any) -> httpx.Response:
    body = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]} | changes
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    return httpx.post(f"{endpoint.base_url}/chat/completions", json=body, headers=headers)


def measured(endpoint: Endpoint) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels."""
    base = endpoint.base_url.removesuffix("/v1")
    response = httpx.get(f"{base}/metrics", headers={"Authorization": f"Bearer {endpoint.token}"})
    assert response.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_and_timed(serve: Any) -> None:
    endpoint = serve(FakeEngine(("12345", "123")))
    post(endpoint, n=2)
    post(endpoint, stream=True)
    post(endpoint, n=0)
    found = measured(endpoint)
    route = "/v1/chat/completions"
    assert found["locum_requests_total", route, "200"] == 2
    assert found["locum_requests_total", route, "400"] == 1
    assert found["locum_request_seconds_count", route] == 3
    assert found["locum_time_to_first_token_seconds_count",] == 2
    assert found["locum_time_per_output_token_seconds_count",] == 2
    assert found["locum_generated_tokens_total",] == 5 + 3 + 5
    assert found["locum_cached_prompt_tokens_total",] == 6
    assert found["locum_prompt_tokens_total",] > 6
    assert found["locum_requests_running",] == 1, "the request for the metrics itself"
    assert found["locum_samples_per_request_bucket", "2.0"] == 2
    assert found["locum_samples_per_request_bucket", "1.0"] == 1


def test_the_engines_own_figures_are_looked_up(serve: Any) -> None:
    engine = FakeEngine()
    engine.measures.decoded(entries=3, requests=2, seconds=0.5)
    engine.measures.decoded(entries=300, requests=2, seconds=0.5)
    engine.measures.accepted_drafts = 4
    found = measured(serve(engine))
    assert found["locum_queue_depth",] == 2
    assert found["locum_kv_cells_headroom",] == 70
    assert found["locum_prefix_hit_ratio",] == 0.25
    assert found["locum_accepted_drafts_total",] == 4
    assert found["locum_decode_seconds_total",] == 1.0
    assert found["locum_batch_entries_bucket", "4.0"] == 1
    assert found["locum_batch_entries_bucket", "+Inf"] == 2
    assert found["locum_batch_entries_sum",] == 303
    assert found["locum_batch_requests_bucket", "2.0"] == 2


def test_refused_and_unknown_requests_do_not_add_routes(serve: Any) -> None:
    endpoint = serve(FakeEngine(fail=EngineBusy("busy")))
    base = endpoint.base_url.removesuffix("/v1")
    for path in ("/a", "/b", "/v1/models"):
        assert httpx.get(base + path).status_code == 401
    assert post(endpoint).status_code == 429
    found = measured(endpoint)
    assert found["locum_requests_total", "other", "401"] == 2
    assert found["locum_requests_total", "/v1/models", "401"] == 1
    assert found["locum_requests_total", "/v1/chat/completions", "429"] == 1
    assert found["locum_time_to_first_token_seconds_count",] == 0


def test_a_client_that_leaves_is_counted(serve: Any) -> None:
    engine = FakeEngine(endless=True)
    endpoint = serve(engine)
    for stream in (True, False):
        timeout = httpx.Timeout(20, read=0.3)
        body = {"model": "fake", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
        headers = {"Authorization": "Bearer secret"}
        with httpx.Client(timeout=timeout, headers=headers) as client:
            try:
                client.post(f"{endpoint.base_url}/chat/completions", json=body)
            except httpx.ReadTimeout:
                assert engine.cancelled.wait(20)
                engine.cancelled.clear()
            else:
                raise AssertionError("an endless answer ended")
    assert measured(endpoint)["locum_cancellations_total",] == 2
