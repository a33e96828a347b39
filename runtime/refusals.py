"""Every failure of a request as an error in OpenAI's shape."""

import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from runtime.engine_api import BadGrammar, Cancelled, EngineBusy, EngineError, PromptTooLong
from runtime.guard import error_body
from runtime.tool_choice import NoCall

FAILED = "the engine failed; see the server log"
_CLIENT_GONE = 499


def handle(app: FastAPI) -> None:
    """Let the application answer with these errors."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(EngineError, _engine_error)
    app.add_exception_handler(UnicodeEncodeError, _not_unicode)
    app.add_exception_handler(Exception, _unexpected)


def engine_failure(error: EngineError) -> tuple[int, dict[str, Any]]:
    """Status and body for an engine that failed."""
    message = str(error)
    if isinstance(error, PromptTooLong):
        return 400, error_body(message, "invalid_request_error", "context_length_exceeded")
    if isinstance(error, EngineBusy):
        return 429, error_body(message, "rate_limit_error", "engine_busy")
    if isinstance(error, Cancelled):
        return _CLIENT_GONE, error_body(message, "cancelled")
    if isinstance(error, BadGrammar):
        return 400, error_body(message, "invalid_request_error", "bad_grammar")
    if isinstance(error, NoCall):
        return 500, error_body(message, "server_error", "no_tool_call")
    return 500, error_body(message, "server_error")


async def _engine_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, EngineError)
    status, body = engine_failure(error)
    headers = None
    if isinstance(error, EngineBusy):
        headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return JSONResponse(body, status, headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    message = f"{place}: {first['msg']}" if place else str(first["msg"])
    return JSONResponse(error_body(message, "invalid_request_error"), 400)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body = error_body(str(error.detail), "invalid_request_error")
    return JSONResponse(body, error.status_code, error.headers)


async def _not_unicode(_: Request, __: Exception) -> Response:
    body = error_body("the text holds half of a surrogate pair", "invalid_request_error")
    return JSONResponse(body, 400)


async def _unexpected(_: Request, __: Exception) -> Response:
    # The exception itself goes to the server's log; its text may hold parts of the prompt.
    return JSONResponse(error_body(FAILED, "server_error"), 500)
