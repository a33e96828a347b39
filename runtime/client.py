"""What the agent talks through: any OpenAI-compatible endpoint, the local server included."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import httpx
import openai
import pydantic

from runtime import wire
from runtime.answers import Answer, Branch, Endpoint, IncomingSample, ToolCall, Usage
from runtime.errors import (
    AnswerLate,
    BranchingUnsupported,
    EndpointRefused,
    EndpointUnreachable,
    InfillUnsupported,
)

__all__ = ["Answer", "Branch", "Client", "Endpoint", "ToolCall", "Usage"]

_NOT_THERE = (404, 405, 501)
_CANNOT_FILL = (400, 422, *_NOT_THERE)
OnToken = Callable[[int, str], None]


class Client:
    """Chat, complete, branch and score over HTTP; every failure is a ``RuntimeFailure``.

    Where a request may take only some ``seconds`` without a word, it is not repeated and raises
    AnswerLate behind them; the server sees that nobody waits any more.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 600,
    ) -> None:
        self._endpoint = endpoint
        self._model = endpoint.model
        # Proxies from the environment are not asked: the prompt must not leave the machine
        # because of a variable that was set for web browsing.
        http = httpx.Client(transport=transport, timeout=timeout, trust_env=False)
        self._openai = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.token or "local",
            timeout=timeout,
            http_client=cast(Any, http),
        )

    def models(self) -> tuple[str, ...]:
        """Ids of the models that the endpoint offers."""
        with self._failures():
            return tuple(model.id for model in self._openai.models.list())

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
        seconds: float | None = None,
        on_token: OnToken | None = None,
    ) -> Answer:
        """Stream ``n`` samples; ``on_token(sample index, text)`` sees the text as it comes."""
        body: dict[str, Any] = {
            "model": self._model_id(),
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
        }
        if stop:
            body["stop"] = list(stop)
        if tools:
            body["tools"] = list(tools)
        # The SDK's overloads cannot be chosen from a dictionary.
        create: Any = self._within(seconds).chat.completions.create
        return self._sample(create, body, n, seed, on_token, tools)

    def complete(
        self,
        prompt: str,
        suffix: str = "",
        *,
        n: int = 1,
        max_tokens: int = 48,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: Sequence[str] = (),
        seconds: float | None = None,
        on_token: OnToken | None = None,
    ) -> Answer:
        """Stream ``n`` samples of what stands between ``prompt`` and ``suffix``.

        Raises InfillUnsupported where the endpoint has no such route, or its model no such skill.
        """
        body: dict[str, Any] = {
            "model": self._model_id(),
            "prompt": prompt,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
        }
        if suffix:
            body["suffix"] = suffix
        if stop:
            body["stop"] = list(stop)
        create: Any = self._within(seconds).completions.create
        try:
            return self._sample(create, body, n, seed, on_token)
        except EndpointRefused as error:
            if error.status in _CANNOT_FILL:
                raise InfillUnsupported(str(error)) from error
            raise

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
        line_starts: int = 0,
        lines: int = 1,
        rejoin: int = 0,
        blocks: Mapping[str, Sequence[str]] | None = None,
        seconds: float | None = None,
        on_usage: Callable[[Usage], None] | None = None,
    ) -> tuple[Branch, ...]:
        """Where the model would leave ``forced``; raises BranchingUnsupported elsewhere.

        The options are those of ``runtime.engine_api.BranchQuery``.
        """
        body = {
            "model": self._model_id(),
            "messages": list(messages),
            "forced": forced,
            "count": count,
            "per_position": per_position,
            "max_tokens": max_tokens,
            "stop": stop,
            "first": first,
            "last": last,
            "line_starts": line_starts,
            "lines": lines,
            "rejoin": rejoin,
            "blocks": dict(blocks or {}),
        }
        found = wire.BranchResponse.model_validate(self._own("/branch", body, seconds))
        if on_usage is not None:
            on_usage(Usage.of(found.usage))
        return tuple(Branch(**branch.model_dump()) for branch in found.branches)

    def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        continuations: Sequence[str],
        *,
        forced: str = "",
        offsets: Sequence[int] = (),
        on_usage: Callable[[Usage], None] | None = None,
    ) -> tuple[float, ...]:
        """Log-likelihood (nats) of each continuation of an answer that begins with ``forced``.

        ``offsets``: of how many of its characters; of all of them where there are none.

        Raises BranchingUnsupported where the endpoint has no such route.
        """
        body = {
            "model": self._model_id(),
            "messages": list(messages),
            "forced": forced,
            "continuations": list(continuations),
            **({"offsets": list(offsets)} if offsets else {}),
        }
        found = wire.ScoreResponse.model_validate(self._own("/score", body))
        if on_usage is not None:
            on_usage(Usage.of(found.usage))
        return tuple(score.log_probability for score in found.scores)

    def close(self) -> None:
        """Close the connections."""
        self._openai.close()

    def _model_id(self) -> str:
        if not self._model:
            offered = self.models()
            if not offered:
                raise EndpointRefused(f"{self._endpoint.base_url} offers no model.")
            self._model = offered[0]
        return self._model

    def _sample(
        self,
        create: Any,
        body: dict[str, Any],
        n: int,
        seed: int | None,
        on_token: OnToken | None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> Answer:
        began = time.monotonic()
        samples: list[IncomingSample] = []
        usage = Usage(0, 0)
        while len(samples) < n:
            # A server that ignores ``n`` gives one sample at a time: ask it again.
            request = body | {"n": n - len(samples)}
            if seed is not None:
                request["seed"] = seed + len(samples)
            with self._failures():
                more, counts = self._stream(create, request, len(samples), on_token)
            usage += counts
            samples += more[: n - len(samples)]
        calls = samples[0].tool_calls(tools)
        return Answer(
            texts=tuple(sample.text for sample in samples),
            tool_calls=calls,
            finish=tuple(sample.finish for sample in samples),
            usage=usage,
            seconds=time.monotonic() - began,
        )

    def _stream(
        self, create: Any, body: dict[str, Any], offset: int, on_token: OnToken | None
    ) -> tuple[list[IncomingSample], Usage]:
        samples: dict[int, IncomingSample] = {}
        usage = Usage(0, 0)
        options = {"stream": True, "stream_options": {"include_usage": True}}
        with create(**body, **options) as stream:
            for chunk in stream:
                if chunk.usage is not None:
                    usage = Usage.of(chunk.usage)
                for choice in chunk.choices:
                    sample = samples.setdefault(choice.index, IncomingSample())
                    text = sample.take(choice)
                    if text and on_token is not None:
                        on_token(offset + choice.index, text)
        if not samples:
            raise EndpointRefused(f"{self._endpoint.base_url} answered without any text.")
        return [sample for _, sample in sorted(samples.items())], usage

    def _within(self, seconds: float | None) -> openai.OpenAI:
        if seconds is None:
            return self._openai
        return self._openai.with_options(timeout=seconds, max_retries=0)

    def _own(self, path: str, body: dict[str, Any], seconds: float | None = None) -> object:
        try:
            with self._failures():
                return self._within(seconds).post(path, cast_to=object, body=body)
        except EndpointRefused as error:
            if error.status in _NOT_THERE:
                raise BranchingUnsupported(
                    f"{self._endpoint.base_url} has no {path} route; samples are used instead."
                ) from error
            raise

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what the SDK raises into one sentence."""
        base = self._endpoint.base_url
        try:
            yield
        except openai.APIStatusError as error:
            message = f"{base} refused the request with status {error.status_code}: {_why(error)}."
            raise EndpointRefused(message, error.status_code) from error
        except (openai.APITimeoutError, httpx.TimeoutException) as error:
            raise AnswerLate(f"{base} did not answer in time.") from error
        except (openai.APIConnectionError, httpx.TransportError) as error:
            raise EndpointUnreachable(
                f"{base} cannot be reached or broke the connection; is the server running?"
            ) from error
        except openai.APIError as error:
            raise EndpointRefused(f"{base} failed while it answered: {_why(error)}.") from error
        except (ValueError, pydantic.ValidationError) as error:
            raise EndpointRefused(f"{base} does not answer in OpenAI's format.") from error


def _why(error: openai.APIError) -> str:
    body = error.body
    stated = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(stated or error.message).split()).rstrip(".")
