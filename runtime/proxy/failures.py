"""What can go wrong upstream, as the answer that a client gets."""

import json
from typing import Any

from runtime.guard import error_body
from runtime.proxy.quirks import Memory, Quirk

_LONGEST = 500
BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504


class Failure(Exception):
    """The upstream failed: HTTP status and error object for the client."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(_sentence(body))
        self.status = status
        self.body = body


class CannotStream(Exception):
    """The upstream gave nothing that can be passed on as a stream; nothing was passed on."""


def unreachable(upstream: str) -> Failure:
    """Nobody answers, also not when asked again."""
    message = f"{upstream} cannot be reached or broke the connection; is that server running?"
    return Failure(BAD_GATEWAY, error_body(message, "upstream_error", "upstream_unreachable"))


def too_slow(upstream: str, seconds: float) -> Failure:
    """A time limit was reached."""
    message = f"{upstream} was silent for {seconds:g} seconds; the request was given up"
    return Failure(GATEWAY_TIMEOUT, error_body(message, "upstream_error", "upstream_timeout"))


def broken_off(upstream: str) -> Failure:
    """The stream ended in the middle; what came is in the client's hands, so no second try."""
    message = f"{upstream} broke its answer off; it is not complete"
    return Failure(BAD_GATEWAY, error_body(message, "upstream_error", "upstream_broke_off"))


def nonsense(upstream: str) -> Failure:
    """The answer is no completion."""
    message = f"{upstream} does not answer in OpenAI's format"
    return Failure(BAD_GATEWAY, error_body(message, "upstream_error", "upstream_format"))


def too_long(prompt: int, context: int, *, at_least: bool) -> Failure:
    """The prompt does not fit, and the upstream would cut it without a word."""
    count = f"at least {prompt}" if at_least else str(prompt)
    message = (
        f"the prompt has {count} tokens but the upstream's context holds {context} tokens "
        "and must leave room for an answer"
    )
    return Failure(400, error_body(message, "invalid_request_error", "context_length_exceeded"))


def cut(prompt: int, read: int) -> Failure:
    """The upstream read less than it was given."""
    message = (
        f"the prompt has at least {prompt} tokens but the upstream read only {read}: it cut the "
        "prompt, so its answer is withheld"
    )
    return Failure(400, error_body(message, "invalid_request_error", "context_length_exceeded"))


def refused(status: int, text: str, memory: Memory) -> Failure:
    """The upstream answered with an error status."""
    if status in (401, 403):
        # Passed on as it is, the client would doubt the token that it has for the proxy.
        message = (
            f"{memory.upstream} refused the proxy's token (status {status}); "
            "set LOCUM_UPSTREAM_TOKEN"
        )
        return Failure(BAD_GATEWAY, error_body(message, "upstream_error", "upstream_token"))
    return Failure(status, error_object(_json(text), status, memory))


def error_object(told: Any, status: int, memory: Memory) -> dict[str, Any]:
    """The upstream's error in OpenAI's shape."""
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        whole = error_body("", "upstream_error")["error"] | error
        if not isinstance(whole["type"], str):
            whole["type"] = "upstream_error"
        return {"error": whole}
    memory.note(Quirk.ERRORS)
    if isinstance(told, dict) and not memory.heals(Quirk.ERRORS):
        return told
    kind = "invalid_request_error" if 400 <= status < 500 else "upstream_error"
    return error_body(_sentence(told) or f"the upstream failed with status {status}", kind)


def _sentence(told: Any) -> str:
    """What an error of another shape says."""
    if isinstance(told, dict):
        for key in ("error", "message", "detail", "msg", "title"):
            if key in told and (found := _sentence(told[key])):
                return found
        return ""
    if isinstance(told, list):
        return _sentence(told[0]) if told else ""
    return " ".join(told.split())[:_LONGEST] if isinstance(told, str) else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
