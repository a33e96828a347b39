"""The OpenAPI document: what FastAPI finds out by itself, made true for errors and streams."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_ERROR = {
    "description": "What is wrong, in one sentence",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_USAGE = {
    "type": "object",
    "required": ["prompt_tokens", "completion_tokens", "total_tokens"],
    "properties": {
        **{
            name: {"type": "integer", "minimum": 0}
            for name in ("prompt_tokens", "completion_tokens", "total_tokens")
        },
        "prompt_tokens_details": {
            "type": "object",
            "properties": {"cached_tokens": {"type": "integer", "minimum": 0}},
        },
    },
}


def _completion(kind: str, text: dict[str, Any]) -> dict[str, Any]:
    choice = {
        "type": "object",
        "required": ["index", "finish_reason", "logprobs", *text],
        "properties": {
            "index": {"type": "integer", "minimum": 0},
            "finish_reason": {"enum": ["stop", "length", "tool_calls"]},
            "logprobs": {"type": ["object", "null"]},
            **text,
        },
    }
    return {
        "type": "object",
        "required": ["id", "object", "created", "model", "choices", "usage"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": kind},
            "created": {"type": "integer"},
            "model": {"type": "string"},
            "choices": {"type": "array", "items": choice},
            "usage": _USAGE,
            "locum": {"type": "object", "description": "Which guarantees held"},
        },
    }


def _answered(schema: dict[str, Any]) -> dict[str | int, dict[str, Any]]:
    content = {
        "application/json": {"schema": schema},
        "text/event-stream": {},
    }
    return {200: {"description": "The answer, or its events with `stream`", "content": content}}


CHAT = _answered(_completion("chat.completion", {"message": {"type": "object"}}))
PLAIN = _answered(_completion("text_completion", {"text": {"type": "string"}}))


def describe(app: FastAPI) -> None:
    """Let the application give this document at ``/openapi.json``."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    # The way that FastAPI's manual shows.
    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=version("locum"), routes=app.routes)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = _ERROR_SCHEMA
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            # Invalid bodies are answered with 400, in OpenAI's shape.
            operation["responses"].pop("422", None)
            operation["responses"] |= {"4XX": _ERROR, "5XX": _ERROR}
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    return document
