"""The server does what its OpenAPI document says, for requests that schemathesis makes up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from fake_engine import FakeEngine
from hypothesis import HealthCheck, settings
from quirky_upstream import running
from schemathesis.checks import positive_data_acceptance

from runtime.server import create_app

DOCUMENT = create_app(FakeEngine(), "secret", "fake").openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with contextmanager(running)(create_app(FakeEngine(), "secret", "fake")) as url:
        yield url


@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case: Any, served: str) -> None:
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        # Made-up names would never get past the first question.
        case.body["model"] = "fake"
    case.call_and_validate(
        base_url=served,
        headers={"Authorization": "Bearer secret"},
        # Fields that contradict each other and prompts that are too long are refused, which no
        # schema can say; that good requests are accepted is tested beside the routes.
        excluded_checks=[positive_data_acceptance],
    )


def test_the_document_names_all_routes_and_the_token() -> None:
    assert set(DOCUMENT["paths"]) == {
        "/health", "/metrics", "/tokenize", "/v1/models", "/v1/chat/completions",
        "/v1/completions", "/v1/branch", "/v1/score",
    }  # fmt: skip
    assert DOCUMENT["security"] == [{"token": []}]
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            assert {"200", "4XX", "5XX"} <= set(operation["responses"])
            assert "422" not in operation["responses"]
