"""Asks an upstream a few short questions to see what it gets wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from runtime.proxy.asked import understood
from runtime.proxy.counting import Counter, Measure, fewest_tokens
from runtime.proxy.exchange import Exchange
from runtime.proxy.failures import Failure
from runtime.proxy.quirks import Memory, Quirk
from runtime.proxy.upstream import Limits, Upstream

_TOOL = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Tells what time it is in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
# More than the default context of the servers that cut; 4096 tokens with Ollama.
_LONG_WORDS = 6000
_FIRST_SECONDS = 30.0


def probe(
    upstream: str, token: str, model: str, say: Callable[[str], None], *, long: bool = False
) -> Memory:
    """What the upstream does wrong; raises Failure when it does not answer at all.

    ``say`` hears what is asked next. ``long`` also sends a prompt of some 6,000 words, which a
    slow machine reads for a minute, to see whether it is cut.
    """
    memory = Memory(upstream)
    asyncio.run(_probe(memory, token, model, say, long))
    return memory


async def _probe(
    memory: Memory, token: str, model: str, say: Callable[[str], None], long: bool
) -> None:
    upstream = Upstream(memory, token, Limits(first=_FIRST_SECONDS))
    try:
        model = model or await _first_model(upstream)
        counter = Counter(upstream, memory, None)
        async for question, body in _questions(model):
            say(question)
            exchange = Exchange(understood("chat", body), upstream, memory, counter)
            async with aclosing(exchange.chunks()) as chunks:
                async for _ in chunks:
                    pass
        if long:
            say("a prompt of 6,000 words")
            await _long(upstream, memory, model)
    finally:
        await upstream.close()


async def _first_model(upstream: Upstream) -> str:
    """The first one that is offered; raises Failure."""
    offered = (await upstream.whole("/models")).get("data")
    first = offered[0] if isinstance(offered, list) and offered else {}
    return str(first.get("id", "")) if isinstance(first, dict) else ""


async def _questions(model: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    ask = {"role": "user", "content": "Count from one to five."}
    short = {"model": model, "messages": [ask], "max_tokens": 8, "temperature": 0}
    yield "a stream", short | {"stream": True, "stream_options": {"include_usage": True}}
    yield "a whole answer", short
    yield "two samples", short | {"n": 2}
    call = {"role": "user", "content": "What time is it in Rome? Use the tool."}
    with_tool = short | {"messages": [call], "tools": [_TOOL], "max_tokens": 64}
    yield "a tool call", with_tool | {"stream": True}


async def _long(upstream: Upstream, memory: Memory, model: str) -> None:
    """A prompt longer than common contexts: refused or read, but not cut."""
    text = "seven " * _LONG_WORDS
    messages = [{"role": "user", "content": text}]
    asked = understood("chat", {"model": model, "messages": messages, "max_tokens": 1})
    try:
        answer = await upstream.whole(asked.path, asked.body)
    except Failure:
        # Refusing is right.
        return
    if Measure(asked, fewest_tokens([text]), None, None).judge(answer.get("usage")):
        memory.note(Quirk.TRUNCATION)
