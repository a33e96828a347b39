"""What the agent talks through: any OpenAI-compatible endpoint, the local server included."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers; ``base_url`` ends with ``/v1``; empty ``model``: the first one."""

    base_url: str
    token: str = "local"
    model: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens of one request; ``cached_tokens`` of the prompt were not computed again."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asks for; ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Answer:
    """``n`` samples; ``tool_calls`` are those of the first one; ``seconds`` is wall time."""

    texts: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...]
    finish: tuple[str, ...]
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class Branch:
    """The model's own text from character ``offset`` of the forced answer to the stop.

    ``log_probability`` (nats) is summed over the new tokens; ``surprise`` is by how many nats
    the model prefers its first token; ``finished``: the stop was reached within the limit.
    """

    offset: int
    text: str
    log_probability: float
    surprise: float
    finished: bool


class Client:
    """Chat, branch and score over HTTP; every failure is a ``RuntimeFailure``."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 600,
    ) -> None:
        raise NotImplementedError

    def models(self) -> tuple[str, ...]:
        """Ids of the models that the endpoint offers."""
        raise NotImplementedError

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        n: int = 1,
        max_tokens: int = 512,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: Sequence[str] = (),
        tools: Sequence[Mapping[str, Any]] = (),
        on_token: Callable[[int, str], None] | None = None,
    ) -> Answer:
        """Stream ``n`` samples; ``on_token(sample index, text)`` sees the text as it comes."""
        raise NotImplementedError

    def branch(
        self,
        messages: Sequence[Mapping[str, Any]],
        forced: str,
        *,
        count: int = 100,
        per_position: int = 6,
        max_tokens: int = 48,
        stop: str = "\n",
        first: int = 0,
        last: int | None = None,
    ) -> tuple[Branch, ...]:
        """Where the model would leave ``forced``; raises BranchingUnsupported elsewhere."""
        raise NotImplementedError

    def score(
        self, messages: Sequence[Mapping[str, Any]], continuations: Sequence[str]
    ) -> tuple[float, ...]:
        """Log-likelihood (nats) of each continuation as the answer to ``messages``."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError
