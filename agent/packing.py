"""File contents as the record keeps them: what differs from the repository's, and hashes."""

from __future__ import annotations

import hashlib
from typing import Any

from agent.errors import AgentError
from agent.repair.edit import common


class NotKept(AgentError):
    """The record does not hold what is needed: a secret was left out, or the base differs."""


def sha256(content: bytes | None) -> str:
    """Empty for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def packed(before: bytes | None, after: bytes | None) -> dict[str, Any]:
    """`after` as one replaced part of `before`; None stands for no file."""
    told: dict[str, Any] = {"base": sha256(before), "sha256": sha256(after)}
    if after is None:
        return told
    old, new = _text(before or b""), _text(after)
    start = common(old, new)
    end = common(old[start:][::-1], new[start:][::-1])
    return told | {"start": start, "end": len(old) - end, "text": new[start : len(new) - end]}


def unpacked(told: dict[str, Any], before: bytes | None) -> bytes | None:
    """What `packed` was given; raises `NotKept` where that cannot be had again."""
    if sha256(before) != told["base"]:
        raise NotKept("the file is not what it was")
    if not told["sha256"]:
        return None
    old = _text(before or b"")
    text = old[: told["start"]] + str(told["text"]) + old[told["end"] :]
    content = text.encode("utf-8", "surrogateescape")
    if sha256(content) != told["sha256"]:
        raise NotKept("a secret in it was left out of the record")
    return content


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
